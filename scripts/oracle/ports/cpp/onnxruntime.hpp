// One operation after another by ONNX Runtime, as a graph that is built with the editor of its C API.
#pragma once
#include <onnxruntime_c_api.h>

#include "oracle.hpp"

struct Node {
  const char* kind;
  std::vector<const char*> inputs;
  const char* output;
};

class Runtime {
 public:
  Runtime() {
    check(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "oracle", &env));
    check(api->CreateSessionOptions(&options));
    check(api->SetIntraOpNumThreads(options, 1));
    check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  }

  // Inputs are x0, x1, ...; the last node gives y, of this shape.
  std::vector<float> run(const std::vector<Node>& nodes, std::vector<Tensor> given, const std::vector<int64_t>& shape) {
    OrtGraph* graph;
    check(editor->CreateGraph(&graph));
    std::vector<std::string> names;
    for (size_t i = 0; i < given.size(); i++) names.push_back("x" + std::to_string(i));
    std::vector<const char*> inputNames;
    std::vector<OrtValueInfo*> inputs;
    std::vector<OrtValue*> values;
    for (size_t i = 0; i < given.size(); i++) {
      inputNames.push_back(names[i].c_str());
      inputs.push_back(described(inputNames[i], given[i].shape));
      values.push_back(value(given[i]));
    }
    OrtValueInfo* outputs[] = {described("y", shape)};
    check(editor->SetGraphInputs(graph, inputs.data(), inputs.size()));
    check(editor->SetGraphOutputs(graph, outputs, 1));
    for (const Node& node : nodes) {
      OrtNode* made;
      const char* results[] = {node.output};
      check(editor->CreateNode(node.kind, "", node.output, const_cast<const char**>(node.inputs.data()),
                               node.inputs.size(), results, 1, nullptr, 0, &made));
      check(editor->AddNodeToGraph(graph, made));
    }
    OrtModel* model;
    const char* domains[] = {""};
    int opsets[] = {21};
    check(editor->CreateModel(domains, opsets, 1, &model));
    check(editor->AddGraphToModel(model, graph));
    OrtSession* session;
    check(editor->CreateSessionFromModel(env, model, options, &session));
    const char* outputName = "y";
    OrtValue* found = nullptr;
    check(api->Run(session, nullptr, inputNames.data(), values.data(), values.size(), &outputName, 1, &found));
    float* data;
    check(api->GetTensorMutableData(found, reinterpret_cast<void**>(&data)));
    size_t size = 1;
    for (int64_t extent : shape) size *= static_cast<size_t>(extent);
    std::vector<float> result(data, data + size);
    api->ReleaseValue(found);
    for (OrtValue* one : values) api->ReleaseValue(one);
    api->ReleaseSession(session);
    api->ReleaseModel(model);
    return result;
  }

 private:
  const OrtApi* api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  const OrtModelEditorApi* editor = api->GetModelEditorApi();
  OrtEnv* env;
  OrtSessionOptions* options;
  OrtMemoryInfo* memory;

  void check(OrtStatus* status) const {
    if (!status) return;
    std::string message = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    throw std::runtime_error(message);
  }
  OrtValueInfo* described(const char* name, const std::vector<int64_t>& shape) const {
    OrtTensorTypeAndShapeInfo* size;
    OrtTypeInfo* type;
    OrtValueInfo* info;
    check(api->CreateTensorTypeAndShapeInfo(&size));
    check(api->SetTensorElementType(size, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT));
    check(api->SetDimensions(size, shape.data(), shape.size()));
    check(editor->CreateTensorTypeInfo(size, &type));
    check(editor->CreateValueInfo(name, type, &info));
    api->ReleaseTypeInfo(type);
    api->ReleaseTensorTypeAndShapeInfo(size);
    return info;
  }
  OrtValue* value(Tensor& tensor) const {
    OrtValue* found;
    check(api->CreateTensorWithDataAsOrtValue(memory, tensor.data.data(), tensor.data.size() * sizeof(float),
                                              tensor.shape.data(), tensor.shape.size(),
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &found));
    return found;
  }
};
