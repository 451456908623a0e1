// Programs of the streaming runtime, made by hand or from a seed, and the plain loop in float64 that says what they
// are.
#ifndef STREAM_PROGRAM_H
#define STREAM_PROGRAM_H

#include <algorithm>
#include <initializer_list>

#include "memory.h"
#include "ostinato_stream.h"

namespace checking {

class Score {
 public:
  using Row = std::vector<double>;

  int number(int width) { return numbers_.push_back(width), add(OSTINATO_NUMBER, width, {}, int(numbers_.size()) - 1); }
  int state(int width, float start = 0) {
    parts_.push_back({width, -1, start});
    return add(OSTINATO_STATE, width, {}, int(parts_.size()) - 1);
  }
  int ids(int count, bool many) { return ids_.push_back({count, many}), int(ids_.size()) - 1; }
  int matrix(int64_t rows, int64_t columns, double scale, uint64_t seed) {
    Dice dice(seed);
    data_.emplace_back();
    for (int64_t i = 0; i < rows * columns; ++i) data_.back().push_back(float(scale * dice.number()));
    weights_.push_back({rows, columns, nullptr});
    return int(weights_.size()) - 1;
  }
  int weight(int width, uint64_t seed) { return add(OSTINATO_WEIGHT, width, {}, matrix(1, width, 1, seed)); }
  int constant(float value) { return add(OSTINATO_CONSTANT, 1, {}, int(bits_of(value))); }
  int product(int value, int width, uint64_t seed, int start = -1) {
    const int rows = value_[size_t(value)].width;
    const int label = matrix(rows, width, 1 / std::sqrt(double(rows)), seed);
    return start < 0 ? add(OSTINATO_PRODUCT, width, {value}, label)
                     : add(OSTINATO_PRODUCT, width, {value, start}, label);
  }
  int slice(int value, int first, int width) { return add(OSTINATO_SLICE, width, {value}, first); }
  int add(int kind, int width, const std::vector<int>& from, int label = 0, int other = 0) {
    value_.push_back({kind, width, int(argument_.size()), int(from.size()), label, other});
    argument_.insert(argument_.end(), from.begin(), from.end());
    return int(value_.size()) - 1;
  }
  // An elementwise value, as wide as its widest argument.
  int of(int kind, const std::vector<int>& from) {
    int width = 1;
    for (const int n : from) width = std::max(width, value_[size_t(n)].width);
    return add(kind, width, from);
  }
  void after(int part, int value) { parts_[size_t(value_[size_t(part)].label)].after = value; }
  void show(int value) { output_.push_back(value); }
  int width(int value) const { return value_[size_t(value)].width; }
  int values() const { return int(value_.size()); }

  const ostinato_stream_program* program() {
    for (size_t i = 0; i < data_.size(); ++i) weights_[i].data = data_[i].data();
    program_ = {int32_t(value_.size()),
                int32_t(argument_.size()),
                int32_t(numbers_.size()),
                int32_t(ids_.size()),
                int32_t(parts_.size()),
                int32_t(output_.size()),
                int32_t(weights_.size()),
                value_.data(),
                argument_.data(),
                numbers_.data(),
                ids_.data(),
                parts_.data(),
                output_.data(),
                weights_.data()};
    return &program_;
  }

  std::vector<Row> start() const {
    std::vector<Row> state;
    for (const auto& part : parts_) state.emplace_back(size_t(part.width), double(part.start));
    return state;
  }

  // One step: the outputs one after another; the state is replaced.
  Row step(const std::vector<Row>& x, const std::vector<std::vector<int32_t>>& ids, std::vector<Row>& state) const {
    std::vector<Row> found;
    for (const auto& v : value_) {
      std::vector<const Row*> from;
      for (int k = 0; k < v.count; ++k) from.push_back(&found[size_t(argument_[size_t(v.first + k)])]);
      found.push_back(value(v, from, x, ids, state));
    }
    Row outputs;
    for (const int32_t n : output_) outputs.insert(outputs.end(), found[size_t(n)].begin(), found[size_t(n)].end());
    for (size_t i = 0; i < parts_.size(); ++i) state[i] = found[size_t(parts_[i].after)];
    return outputs;
  }

  std::vector<ostinato_stream_value> value_;
  std::vector<int32_t> argument_, numbers_, output_;
  std::vector<ostinato_stream_ids> ids_;
  std::vector<ostinato_stream_part> parts_;
  std::vector<ostinato_stream_weight> weights_;

 private:
  Row value(const ostinato_stream_value& v, const std::vector<const Row*>& from, const std::vector<Row>& x,
            const std::vector<std::vector<int32_t>>& ids, const std::vector<Row>& state) const {
    const size_t n = size_t(v.width), label = size_t(v.label);
    Row to(n, 0);
    switch (v.kind) {
      case OSTINATO_NUMBER:
        return x[label];
      case OSTINATO_STATE:
        return state[label];
      case OSTINATO_WEIGHT:
        return Row(data_[label].begin(), data_[label].end());
      case OSTINATO_CONSTANT:
        return Row(1, double(float_of(uint32_t(v.label))));
      case OSTINATO_COUNT:
        return Row(1, double(ids[label].size()));
      case OSTINATO_LOOKUP_SUM:
      case OSTINATO_LOOKUP_MEAN:
        for (const int32_t id : ids[label])
          for (size_t i = 0; i < n; ++i) to[i] += double(data_[size_t(v.other)][size_t(id) * n + i]);
        if (v.kind == OSTINATO_LOOKUP_MEAN && !ids[label].empty())
          for (double& one : to) one /= double(ids[label].size());
        return to;
      case OSTINATO_PRODUCT:
        if (from.size() == 2) to = *from[1];
        for (size_t k = 0; k < from[0]->size(); ++k)
          for (size_t i = 0; i < n; ++i) to[i] += (*from[0])[k] * double(data_[label][k * n + i]);
        return to;
      case OSTINATO_SLICE:
        return Row(from[0]->begin() + v.label, from[0]->begin() + v.label + v.width);
      case OSTINATO_JOIN:
        to.clear();
        for (const Row* row : from) to.insert(to.end(), row->begin(), row->end());
        return to;
      case OSTINATO_ROW_SUM:
      case OSTINATO_ROW_MEAN:
        for (const double one : *from[0]) to[0] += one;
        if (v.kind == OSTINATO_ROW_MEAN) to[0] /= double(from[0]->size());
        return to;
      case OSTINATO_ROW_MAX:
        return Row(1, *std::max_element(from[0]->begin(), from[0]->end()));
      default:
        break;
    }
    for (size_t i = 0; i < n; ++i) {
      double a[3] = {0, 0, 0};
      for (size_t k = 0; k < from.size(); ++k) a[k] = from[k]->size() == 1 ? (*from[k])[0] : (*from[k])[i];
      to[i] = elementwise(v.kind, a[0], a[1], a[2]);
    }
    return to;
  }

  static double elementwise(int kind, double a, double b, double c) {
    switch (kind) {
      case OSTINATO_ADD:
        return a + b;
      case OSTINATO_SUBTRACT:
        return a - b;
      case OSTINATO_MULTIPLY:
        return a * b;
      case OSTINATO_DIVIDE:
        return a / b;
      case OSTINATO_NEGATE:
        return -a;
      case OSTINATO_SIGMOID:
        return 1 / (1 + std::exp(-a));
      case OSTINATO_TANH:
        return std::tanh(a);
      case OSTINATO_RELU:
        return a > 0 ? a : 0;
      case OSTINATO_EXP:
        return std::exp(a);
      case OSTINATO_LOG:
        return std::log(a);
      case OSTINATO_SOFTPLUS:
        return std::max(a, 0.0) + std::log1p(std::exp(-std::fabs(a)));
      case OSTINATO_SQRT:
        return std::sqrt(a);
      case OSTINATO_ABSOLUTE:
        return std::fabs(a);
      case OSTINATO_SIN:
        return std::sin(a);
      case OSTINATO_COS:
        return std::cos(a);
      case OSTINATO_MAXIMUM:
        return std::max(a, b);
      case OSTINATO_MINIMUM:
        return std::min(a, b);
      case OSTINATO_LESS:
        return a < b ? 1 : 0;
      case OSTINATO_SELECT:
        return a != 0 ? b : c;
      default:
        return NAN;
    }
  }

  std::vector<std::vector<float>> data_;
  ostinato_stream_program program_{};
};

// y of a GRU's new state, in torch's form.
inline int gru(Score& score, int x, int hidden, uint64_t seed) {
  const int h = score.state(hidden), n3 = 3 * hidden;
  const int from_x = score.product(x, n3, seed, score.weight(n3, seed + 1));
  const int from_h = score.product(h, n3, seed + 2, score.weight(n3, seed + 3));
  const auto gate = [&](int k) {
    return score.of(OSTINATO_ADD, {score.slice(from_x, k * hidden, hidden), score.slice(from_h, k * hidden, hidden)});
  };
  const int r = score.of(OSTINATO_SIGMOID, {gate(0)}), z = score.of(OSTINATO_SIGMOID, {gate(1)});
  const int kept = score.of(OSTINATO_MULTIPLY, {r, score.slice(from_h, 2 * hidden, hidden)});
  const int n = score.of(OSTINATO_TANH, {score.of(OSTINATO_ADD, {score.slice(from_x, 2 * hidden, hidden), kept})});
  const int open = score.of(OSTINATO_SUBTRACT, {score.constant(1), z});
  const int y = score.of(OSTINATO_ADD, {score.of(OSTINATO_MULTIPLY, {open, n}), score.of(OSTINATO_MULTIPLY, {z, h})});
  score.after(h, y);
  return y;
}

inline int lstm(Score& score, int x, int hidden, uint64_t seed) {
  const int h = score.state(hidden), c = score.state(hidden), n4 = 4 * hidden;
  const int from_x = score.product(x, n4, seed, score.weight(n4, seed + 1)), from_h = score.product(h, n4, seed + 2);
  const auto gate = [&](int k, int kind) {
    return score.of(
        kind,
        {score.of(OSTINATO_ADD, {score.slice(from_x, k * hidden, hidden), score.slice(from_h, k * hidden, hidden)})});
  };
  const int i = gate(0, OSTINATO_SIGMOID), f = gate(1, OSTINATO_SIGMOID), g = gate(2, OSTINATO_TANH),
            o = gate(3, OSTINATO_SIGMOID);
  const int next = score.of(OSTINATO_ADD, {score.of(OSTINATO_MULTIPLY, {f, c}), score.of(OSTINATO_MULTIPLY, {i, g})});
  const int y = score.of(OSTINATO_MULTIPLY, {o, score.of(OSTINATO_TANH, {next})});
  score.after(c, next), score.after(h, y);
  return y;
}

}  // namespace checking

#endif
