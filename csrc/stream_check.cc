// What a program must be. It may come out of a file that somebody made to do harm.
#include <stdio.h>

#include <math.h>

#include "stream_plan.h"

namespace ostinato {
namespace {

struct Kind {
  const char* name;
  int32_t least, most;  // arguments; -1: any number
};
constexpr Kind kKinds[OSTINATO_KINDS] = {
    {"number", 0, 0},      {"state", 0, 0},    {"weight", 0, 0},   {"constant", 0, 0}, {"lookup_sum", 0, 0},
    {"lookup_mean", 0, 0}, {"count", 0, 0},    {"product", 1, 2},  {"slice", 1, 1},    {"join", 1, -1},
    {"add", 2, 2},         {"subtract", 2, 2}, {"multiply", 2, 2}, {"divide", 2, 2},   {"negate", 1, 1},
    {"sigmoid", 1, 1},     {"tanh", 1, 1},     {"relu", 1, 1},     {"exp", 1, 1},      {"log", 1, 1},
    {"softplus", 1, 1},    {"sqrt", 1, 1},     {"absolute", 1, 1}, {"sin", 1, 1},      {"cos", 1, 1},
    {"maximum", 2, 2},     {"minimum", 2, 2},  {"less", 2, 2},     {"select", 3, 3},   {"row_sum", 1, 1},
    {"row_mean", 1, 1},    {"row_max", 1, 1}};

class Check {
 public:
  Check(const ostinato_stream_program& program, char* why) : p_(program), why_(why) {}

  bool whole() {
    if (p_.values < 1 || p_.values > kMostValues) return no("%d values; 1 to %d can run", p_.values, kMostValues);
    if (p_.arguments < 0 || p_.numbers < 0 || p_.ids < 0 || p_.parts < 0 || p_.weights < 0 || p_.outputs < 1)
      return no("%s", "a count is negative, or there is no output");
    if (p_.numbers > kMostValues || p_.ids > kMostValues || p_.parts > kMostValues || p_.outputs > kMostValues)
      return no("more inputs, outputs or parts of the state than %d", kMostValues);
    return leaves() && values() && ends();
  }

 private:
  template <class... A>
  bool no(const char* format, A... details) {
    snprintf(why_, OSTINATO_STREAM_WHY, format, details...);
    return false;
  }
  static bool width(int64_t n) { return n >= 1 && n <= kMostWidth; }

  bool leaves() {
    for (int32_t i = 0; i < p_.weights; ++i) {
      const ostinato_stream_weight& w = p_.weight[i];
      if (w.rows < 1 || w.rows > INT32_MAX || !width(w.columns) || !w.data)
        return no("weight %d has [%lld, %lld] numbers", i, (long long)w.rows, (long long)w.columns);
    }
    for (int32_t i = 0; i < p_.numbers; ++i)
      if (!width(p_.number[i]) || !take(p_.number[i])) return no("input %d has %d numbers", i, p_.number[i]);
    for (int32_t i = 0; i < p_.ids; ++i)
      if (p_.id[i].count < 1 || (p_.id[i].many != 0 && p_.id[i].many != 1))
        return no("ids %d are of a table of %d", i, p_.id[i].count);
    for (int32_t i = 0; i < p_.parts; ++i) {
      if (!width(p_.part[i].width) || !take(p_.part[i].width))
        return no("part %d of the state has %d numbers", i, p_.part[i].width);
      if (!isfinite(p_.part[i].start)) return no("part %d of the state starts at no finite number", i);
    }
    return true;
  }

  bool values() {
    for (int32_t i = 0; i < p_.values; ++i)
      if (!value(i, p_.value[i])) return false;
    return true;
  }

  bool value(int32_t i, const ostinato_stream_value& v) {
    if (v.kind < 0 || v.kind >= OSTINATO_KINDS) return no("value %d has the unknown kind %d", i, v.kind);
    const Kind& kind = kKinds[v.kind];
    if (v.count < kind.least || (kind.most >= 0 && v.count > kind.most))
      return no("value %d (%s) has %d arguments", i, kind.name, v.count);
    if (v.count > 0 && (v.first < 0 || v.first > p_.arguments - v.count))
      return no("value %d (%s) has arguments beyond the list", i, kind.name);
    if ((read_ += v.count) > kMostArguments) return no("more than %d arguments", kMostArguments);
    for (int32_t k = 0; k < v.count; ++k)
      if (p_.argument[v.first + k] < 0 || p_.argument[v.first + k] >= i)
        return no("value %d (%s) reads value %d, which is not an earlier one", i, kind.name, p_.argument[v.first + k]);
    if (!width(v.width) || !take(v.width)) return no("value %d (%s) has a width of %d", i, kind.name, v.width);
    return fits(i, v);
  }

  int64_t wide(const ostinato_stream_value& v, int32_t k) const { return p_.value[p_.argument[v.first + k]].width; }

  bool which(int32_t label, int32_t count) const { return label >= 0 && label < count; }

  // Whether labels name what is there, and widths agree.
  bool fits(int32_t i, const ostinato_stream_value& v) {
    bool names = true, widths = true;
    switch (v.kind) {
      case OSTINATO_NUMBER:
        names = which(v.label, p_.numbers);
        widths = names && v.width == p_.number[v.label];
        break;
      case OSTINATO_STATE:
        names = which(v.label, p_.parts);
        widths = names && v.width == p_.part[v.label].width;
        break;
      case OSTINATO_WEIGHT:
        names = which(v.label, p_.weights);
        widths = names && p_.weight[v.label].rows == 1 && v.width == p_.weight[v.label].columns;
        break;
      case OSTINATO_LOOKUP_SUM:
      case OSTINATO_LOOKUP_MEAN:
        names = which(v.label, p_.ids) && which(v.other, p_.weights);
        widths = names && v.width == p_.weight[v.other].columns && p_.id[v.label].count <= p_.weight[v.other].rows;
        break;
      case OSTINATO_COUNT:
        names = which(v.label, p_.ids);
        widths = v.width == 1;
        break;
      case OSTINATO_PRODUCT:
        names = which(v.label, p_.weights);
        widths = names && p_.weight[v.label].rows == wide(v, 0) && p_.weight[v.label].columns == v.width &&
                 (v.count == 1 || wide(v, 1) == v.width);
        break;
      case OSTINATO_SLICE:
        widths = v.label >= 0 && v.label <= wide(v, 0) - v.width;
        break;
      case OSTINATO_JOIN: {
        int64_t sum = 0;
        for (int32_t k = 0; k < v.count; ++k) sum += wide(v, k);
        widths = sum == v.width;
        break;
      }
      case OSTINATO_CONSTANT:
      case OSTINATO_ROW_SUM:
      case OSTINATO_ROW_MEAN:
      case OSTINATO_ROW_MAX:
        widths = v.width == 1;
        break;
      default: {
        int64_t most = 1;
        for (int32_t k = 0; k < v.count; ++k) most = wide(v, k) > most ? wide(v, k) : most;
        widths = most == v.width;
        for (int32_t k = 0; k < v.count; ++k) widths = widths && (wide(v, k) == 1 || wide(v, k) == most);
      }
    }
    if (!names) return no("value %d (%s) names something that is not there", i, kKinds[v.kind].name);
    if (!widths) return no("value %d (%s) of width %d does not fit what it reads", i, kKinds[v.kind].name, v.width);
    return true;
  }

  bool ends() {
    for (int32_t i = 0; i < p_.parts; ++i)
      if (!which(p_.part[i].after, p_.values) || p_.value[p_.part[i].after].width != p_.part[i].width)
        return no("part %d of the state is replaced by no value of its width", i);
    for (int32_t i = 0; i < p_.outputs; ++i)
      if (!which(p_.output[i], p_.values)) return no("output %d is no value", i);
    return true;
  }

  // What a stream would hold at most.
  bool take(int64_t floats) { return (taken_ += floats + 64) <= kMostNumbers; }

  const ostinato_stream_program& p_;
  char* why_;
  int64_t taken_ = 0, read_ = 0;
};

}  // namespace

bool checked(const ostinato_stream_program& program, char* why) { return Check(program, why).whole(); }

}  // namespace ostinato

extern "C" const char* ostinato_stream_kind(int32_t kind) {
  return kind >= 0 && kind < OSTINATO_KINDS ? ostinato::kKinds[kind].name : nullptr;
}
