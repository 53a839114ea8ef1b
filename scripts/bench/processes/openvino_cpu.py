"""A process of the bench: OpenVINO. Argument: the task as JSON.

Its inference precision is set to float32: unless told, it computes in bfloat16 where the processor has it.
"""
import openvino
from openvino import properties

from task import given_task, inputs_of, perform

task = given_task()
core = openvino.Core()
settings = {
    properties.hint.inference_precision: openvino.Type.f32,
    properties.hint.performance_mode: properties.hint.PerformanceMode.LATENCY,
    properties.inference_num_threads: task["threads"],
    properties.num_streams: 1,
}
model = core.compile_model(task["onnx"], "CPU", settings)
request, inputs = model.create_infer_request(), inputs_of(task)
precision = model.get_property(properties.hint.inference_precision).get_type_name()


def run():
    request.infer(inputs, share_inputs=True, share_outputs=True)
    return request.get_output_tensor(0).data


perform(task, f"OpenVINO {openvino.__version__.split('-')[0]}, {precision}", run)
