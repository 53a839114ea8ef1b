// The verdict of the golden oracle in C++: README.md of a kit has the formula.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>

#include "json.hpp"

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> data;
};

// A safetensors file: eight bytes with the length of a JSON header, the header, the numbers.
class Tensors {
 public:
  explicit Tensors(const std::string& path) : raw(contents(path)) {
    uint64_t length;
    std::memcpy(&length, raw.data(), 8);
    start = 8 + length;
    header = JsonReader(raw.substr(8, length)).value();
  }
  const Json& metadata() const { return header["__metadata__"]; }
  bool has(const std::string& name) const { return header.entries.count(name) > 0; }
  template <typename Stored, typename Number>
  std::vector<Number> numbers(const std::string& name) const {
    const Json& range = header[name]["data_offsets"];
    std::vector<Stored> found(static_cast<size_t>(range[1].number - range[0].number) / sizeof(Stored));
    std::memcpy(found.data(), raw.data() + start + static_cast<size_t>(range[0].number), found.size() * sizeof(Stored));
    return {found.begin(), found.end()};
  }
  Tensor tensor(const std::string& name) const {
    Tensor found{{}, numbers<float, float>(name)};
    for (const Json& extent : header[name]["shape"].items) found.shape.push_back(static_cast<int64_t>(extent.number));
    return found;
  }

 private:
  std::string raw;
  Json header;
  size_t start;
};

// A case of the kit: its probes, their inputs, and how far what is found is from the truth.
class Case {
 public:
  explicit Case(const std::string& folder)
      : settings(JsonReader(contents(folder + "/case.json")).value()),
        inputs(folder + "/inputs.safetensors"),
        expected(folder + "/expected.safetensors"),
        bands(folder + "/bands.f32.safetensors"),
        budgets(JsonReader(bands.metadata()["budgets"].text).value()) {}

  const std::vector<Json>& probes() const { return settings["subject"]["probes"].items; }

  std::vector<Tensor> given(const std::string& probe) const {
    std::vector<Tensor> found;
    for (int i = 0; inputs.has(probe + "/" + std::to_string(i)); i++)
      found.push_back(inputs.tensor(probe + "/" + std::to_string(i)));
    return found;
  }

  // The share of the budget: up to 1 is within it.
  double share(const std::string& tap, const std::vector<float>& found) const {
    auto truth = bands.has("truth/" + tap) ? bands.numbers<double, double>("truth/" + tap)
                                           : expected.numbers<double, double>("f64/" + tap);
    auto scale = bands.numbers<int16_t, double>("scale/" + tap);
    if (found.size() != truth.size()) return INFINITY;
    double sum = 0, largest = 0;
    for (size_t i = 0; i < truth.size(); i++) {
      if (found[i] == truth[i] || (std::isnan(found[i]) && std::isnan(truth[i]))) continue;
      double away = std::fabs(found[i] - truth[i]) / std::exp2(scale[i] / 16);
      if (std::isnan(away)) away = INFINITY;
      sum += away * away;
      largest = std::max(largest, away);
    }
    double rms = std::sqrt(sum / std::max<size_t>(1, truth.size()));
    return std::max(rms / budgets[tap][0].number, largest / budgets[tap][1].number);
  }

 private:
  Json settings;
  Tensors inputs, expected, bands;
  Json budgets;
};
