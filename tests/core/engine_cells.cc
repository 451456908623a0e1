// Cells as they are compiled on first use: without a product, with parameters of each unit, with the shown part last.
// Written here in lowering's form, and once more for the loop.
#define OSTINATO_REAL float
#define OSTINATO_CELL both
#include "plugin_begin.inl"

// u = r h + br is the cell's own: no product.
struct alone {
  static constexpr int G = 1, S = 1, OUTPUT = 0, P = 3, E = 0, KEEP = 2;
  static constexpr bool STAGED = false, DENSE = false, SAME = false;
  template <class V>
  static OSTINATO_INLINE void infer(const V* x, const V*, const V* s, const V* p, const V*, V* out) {
    out[0] = p[2] * tanh(x[0] + p[0] * s[0] + p[1]);
  }
  template <class V>
  static OSTINATO_INLINE void forward(const V* x, const V* u, const V* s, const V* p, const V* e, V* out, V* keep) {
    infer(x, u, s, p, e, out);
    keep[0] = tanh(x[0] + p[0] * s[0] + p[1]), keep[1] = s[0];
  }
  template <class V>
  static OSTINATO_INLINE void backward(const V* keep, const V* p, const V*, const V* d, V* dx, V*, V* ds, V* dp) {
    dx[0] = d[0] * p[2] * (constant<V>(1) - keep[0] * keep[0]);
    ds[0] = dx[0] * p[0];
    dp[0] = dx[0] * keep[1], dp[1] = dx[0], dp[2] = d[0] * keep[0];
  }
};

// Two gates, a product, a parameter, and the second part is the one that is shown. Zeros make NaN here: that
// is what stands beyond the last unit.
struct both {
  static constexpr int G = 2, S = 2, OUTPUT = 1, P = 1, E = 0, KEEP = 6;
  static constexpr bool STAGED = false, DENSE = true, SAME = false;
  template <class V>
  static OSTINATO_INLINE V sign(const V* p) {
    return p[0] / absolute(p[0]);
  }
  template <class V>
  static OSTINATO_INLINE void forward(const V* x, const V* u, const V* s, const V* p, const V*, V* out, V* keep) {
    const V f = sigmoid(x[0] + u[0]), g = exp(x[1]);
    out[0] = f * s[0] + g + p[0] * sign(p) * u[1];
    out[1] = tanh(out[0] + p[0] * s[1]);
    keep[0] = f, keep[1] = u[1], keep[2] = s[0], keep[3] = out[1], keep[4] = g, keep[5] = s[1];
  }
  template <class V>
  static OSTINATO_INLINE void infer(const V* x, const V* u, const V* s, const V* p, const V* e, V* out) {
    V keep[KEEP];
    forward(x, u, s, p, e, out, keep);
  }
  template <class V>
  static OSTINATO_INLINE void backward(const V* keep, const V* p, const V*, const V* d, V* dx, V* du, V* ds, V* dp) {
    const V shown = d[1] * (constant<V>(1) - keep[3] * keep[3]);
    const V dc = d[0] + shown;
    dx[0] = du[0] = dc * keep[2] * keep[0] * (constant<V>(1) - keep[0]);
    dx[1] = dc * keep[4], du[1] = dc * p[0] * sign(p);
    ds[0] = dc * keep[0], ds[1] = shown * p[0];
    dp[0] = dc * keep[1] * sign(p) + shown * keep[5];
  }
};

#include "plugin_end.inl"

#include "case.h"

using checking::Case;
using checking::Dice;
using checking::Plan;

namespace {

const loop::Cell alone = {
    "alone", 1, 1, 0, 3, false,
    [](const loop::Unit& at, double* next) {
      next[0] = at.p[2] * std::tanh(at.x[0] + at.p[0] * at.s[0] + at.p[1]);
    },
    [](const loop::Unit& at, const double* d, loop::Gradients& to) {
      const double t = std::tanh(at.x[0] + at.p[0] * at.s[0] + at.p[1]);
      to.x[0] = d[0] * at.p[2] * (1 - t * t);
      to.s[0] = to.x[0] * at.p[0];
      to.p[0] = to.x[0] * at.s[0], to.p[1] = to.x[0], to.p[2] = d[0] * t;
    }};

const loop::Cell both = {
    "both", 2, 2, 1, 1, true,
    [](const loop::Unit& at, double* next) {
      next[0] = loop::sigmoid(at.x[0] + at.u[0]) * at.s[0] + std::exp(at.x[1]) + std::fabs(at.p[0]) * at.u[1];
      next[1] = std::tanh(next[0] + at.p[0] * at.s[1]);
    },
    [](const loop::Unit& at, const double* d, loop::Gradients& to) {
      const double f = loop::sigmoid(at.x[0] + at.u[0]);
      const double c = f * at.s[0] + std::exp(at.x[1]) + std::fabs(at.p[0]) * at.u[1];
      const double h = std::tanh(c + at.p[0] * at.s[1]);
      const double shown = d[1] * (1 - h * h), dc = d[0] + shown;
      to.x[0] = to.u[0] = dc * at.s[0] * f * (1 - f);
      to.x[1] = dc * std::exp(at.x[1]), to.u[1] = dc * std::fabs(at.p[0]);
      to.s[0] = dc * f, to.s[1] = shown * at.p[0];
      to.p[0] = dc * at.u[1] * (at.p[0] < 0 ? -1 : 1) + shown * at.s[1];
    }};

using OSTINATO_NAMESPACE::kernel_of;
using Floats = OSTINATO_NAMESPACE::f32;
using Doubles = OSTINATO_NAMESPACE::f64;

template <class R>
void agree(const loop::Cell& cell, const ostinato_kernel& kernel, const Plan& plan, double tolerance) {
  Case<R> here(cell, plan, &kernel);
  CHECK(here.infer() == 0, "%s without gradients", cell.name);
  here.check_forward(loop::solve(here.problem), tolerance);
  CHECK(here.run() == 0 && here.back() == 0, "%s with gradients", cell.name);
  here.check(tolerance);
}

template <class C>
void agree_in_both(const loop::Cell& cell, const Plan& plan) {
  agree<float>(cell, kernel_of<Floats, C>, plan, 1e-5);
  agree<double>(cell, kernel_of<Doubles, C>, plan, 2e-13);
}

}  // namespace

int main() {
  // This file is compiled for the oldest CPU of its kind, so that is what the core has to be.
  CHECK(ostinato_target_choose(0) == 1, "the first target does not run");
  CHECK(ostinato_plugin()->parts == 2 && ostinato_plugin()->output == 1, "the plugin tells of another cell");
  Dice dice(5);
  for (int round = 0; round < 60; ++round) {
    const Plan plan = checking::any_plan(dice);
    agree_in_both<OSTINATO_NAMESPACE::alone>(alone, plan);
    agree_in_both<OSTINATO_NAMESPACE::both>(both, plan);
  }
  // One row, whose units are shared out: without a product no barrier holds the members together.
  for (const int threads : {2, 3, 4}) {
    Plan plan{1, 400, 3, 233, threads};
    plan.reset = threads == 3, plan.reverse = threads == 4;
    agree_in_both<OSTINATO_NAMESPACE::alone>(alone, plan);
    plan.steps = 9;
    agree_in_both<OSTINATO_NAMESPACE::both>(both, plan);
  }
  return checking::outcome();
}
