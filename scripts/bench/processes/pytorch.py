"""A process of the bench: PyTorch's eager mode. Argument: the task as JSON."""
import torch

from modules import load
from task import given_task, inputs_of, perform

task = given_task()
torch.set_num_threads(task["threads"])
module = load(task["subject"])
inputs = {name: torch.from_numpy(array) for name, array in inputs_of(task).items()}
version = f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
with torch.inference_mode():
    perform(task, version, lambda: module(**inputs).numpy())
