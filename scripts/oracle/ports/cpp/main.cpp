// Operations of ONNX Runtime held to the golden oracle: softmax and linear must be right, and its Sigmoid must be seen
// to be off where it is small. KIT names the folder of a kit. Ends with status 1 if anything is otherwise.
#include <cstdio>
#include <functional>

#include "onnxruntime.hpp"

using Port = std::function<std::vector<float>(std::vector<Tensor>, const Json&)>;

static std::vector<std::string> off(const std::string& name, const Port& compute) {
  const char* kit = std::getenv("KIT");
  if (!kit) throw std::runtime_error("KIT names the folder of a kit");
  Case one(std::string(kit) + "/operations/" + name);
  std::vector<std::string> found;
  for (const Json& probe : one.probes()) {
    const std::string& tap = probe["name"].text;
    double share = one.share(tap, compute(one.given(tap), probe["arguments"]));
    std::printf("%s, %s: %.0f %% of its budget\n", name.c_str(), tap.c_str(), 100 * share);
    if (!(share <= 1)) found.push_back(tap);
  }
  return found;
}

static Tensor transposed(const Tensor& x) {
  Tensor found{{x.shape[1], x.shape[0]}, std::vector<float>(x.data.size())};
  for (int64_t i = 0; i < x.shape[0]; i++)
    for (int64_t j = 0; j < x.shape[1]; j++) found.data[j * x.shape[0] + i] = x.data[i * x.shape[1] + j];
  return found;
}

int main() try {
  Runtime runtime;
  auto softmax = [&](std::vector<Tensor> x, const Json&) {
    return runtime.run({{"Softmax", {"x0"}, "y"}}, x, x[0].shape);
  };
  auto linear = [&](std::vector<Tensor> x, const Json&) {
    std::vector<int64_t> shape = x[0].shape;
    shape.back() = x[1].shape[0];
    x[1] = transposed(x[1]);
    if (x.size() < 3) return runtime.run({{"MatMul", {"x0", "x1"}, "y"}}, x, shape);
    return runtime.run({{"MatMul", {"x0", "x1"}, "xw"}, {"Add", {"xw", "x2"}, "y"}}, x, shape);
  };
  auto activation = [&](std::vector<Tensor> x, const Json& arguments) {
    const std::string& kind = arguments[0].text;
    if (kind == "silu")
      return runtime.run({{"Sigmoid", {"x0"}, "s"}, {"Mul", {"x0", "s"}, "y"}}, x, x[0].shape);
    const char* node = kind == "gelu" ? "Gelu" : kind == "mish" ? "Mish" : "Relu";
    return runtime.run({{node, {"x0"}, "y"}}, x, x[0].shape);
  };
  bool right = off("softmax", softmax).empty() & off("linear", linear).empty();
  std::vector<std::string> tails = off("activation", activation);
  bool seen = std::find(tails.begin(), tails.end(), "silu, negative tail") != tails.end();
  std::puts(right && seen ? "as expected" : "not as expected");
  return right && seen ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
