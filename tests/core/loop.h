// The truth about a call: one row, one step and one unit after the other, in double, and cells written by hand.
#ifndef LOOP_H
#define LOOP_H

#include <cmath>
#include <cstdint>
#include <vector>

namespace loop {

using Numbers = std::vector<double>;
// Gates, parts of the state and per-unit parameters that a cell here has at most.
constexpr int kMost = 4;

struct Unit {
  double x[kMost], u[kMost], s[kMost], p[kMost];
};
struct Gradients {
  double x[kMost] = {}, u[kMost] = {}, s[kMost] = {}, p[kMost] = {};
};

struct Cell {
  const char* name;
  int gates, parts, output, parameters;
  bool dense;
  void (*forward)(const Unit& at, double* next);
  // d: the gradient of each part of the new state.
  void (*backward)(const Unit& at, const double* d, Gradients& to);
};

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

inline const Cell elman = {
    "elman", 1, 1, 0, 0, true,
    [](const Unit& at, double* next) { next[0] = std::tanh(at.x[0] + at.u[0]); },
    [](const Unit& at, const double* d, Gradients& to) {
      const double h = std::tanh(at.x[0] + at.u[0]);
      to.x[0] = to.u[0] = d[0] * (1 - h * h);
    }};

inline const Cell elman_relu = {
    "elman_relu", 1, 1, 0, 0, true,
    [](const Unit& at, double* next) { next[0] = std::fmax(at.x[0] + at.u[0], 0); },
    [](const Unit& at, const double* d, Gradients& to) { to.x[0] = to.u[0] = at.x[0] + at.u[0] > 0 ? d[0] : 0; }};

inline const Cell lstm = {
    "lstm", 4, 2, 0, 0, true,
    [](const Unit& at, double* next) {
      const double i = sigmoid(at.x[0] + at.u[0]), f = sigmoid(at.x[1] + at.u[1]);
      const double g = std::tanh(at.x[2] + at.u[2]), o = sigmoid(at.x[3] + at.u[3]);
      next[1] = f * at.s[1] + i * g;
      next[0] = o * std::tanh(next[1]);
    },
    [](const Unit& at, const double* d, Gradients& to) {
      const double i = sigmoid(at.x[0] + at.u[0]), f = sigmoid(at.x[1] + at.u[1]);
      const double g = std::tanh(at.x[2] + at.u[2]), o = sigmoid(at.x[3] + at.u[3]);
      const double shown = std::tanh(f * at.s[1] + i * g);
      const double dc = d[1] + d[0] * o * (1 - shown * shown);
      to.x[0] = to.u[0] = dc * g * i * (1 - i);
      to.x[1] = to.u[1] = dc * at.s[1] * f * (1 - f);
      to.x[2] = to.u[2] = dc * i * (1 - g * g);
      to.x[3] = to.u[3] = d[0] * shown * o * (1 - o);
      to.s[1] = dc * f;
    }};

inline const Cell gru = {
    "gru", 3, 1, 0, 0, true,
    [](const Unit& at, double* next) {
      const double r = sigmoid(at.x[0] + at.u[0]), z = sigmoid(at.x[1] + at.u[1]);
      next[0] = (1 - z) * std::tanh(at.x[2] + r * at.u[2]) + z * at.s[0];
    },
    [](const Unit& at, const double* d, Gradients& to) {
      const double r = sigmoid(at.x[0] + at.u[0]), z = sigmoid(at.x[1] + at.u[1]);
      const double n = std::tanh(at.x[2] + r * at.u[2]);
      to.x[2] = d[0] * (1 - z) * (1 - n * n);
      to.u[2] = to.x[2] * r;
      to.x[0] = to.u[0] = to.x[2] * at.u[2] * r * (1 - r);
      to.x[1] = to.u[1] = d[0] * (at.s[0] - n) * z * (1 - z);
      to.s[0] = d[0] * z;
    }};

// What a call is given, every array contiguous: x and dy [B, T, ..], the rest as in ostinato.h.
struct Problem {
  const Cell* cell;
  int64_t rows, steps, inputs, hidden;
  Numbers x, w, b, r, br, parameters[kMost], start[kMost];
  std::vector<int64_t> lengths;
  std::vector<uint8_t> reset;
  bool reverse;
  Numbers dy, dend[kMost];
};

struct Answer {
  Numbers y, end[kMost], dx, dw, db, dr, dbr, dparameters[kMost], dstart[kMost];
  double least = 1;  // the smallest |x + u| that was met: where that is 0, relu has no slope
};

// One row of a problem; what the steps saw is kept for the way back.
class Row {
 public:
  Row(const Problem& problem, int64_t row, Answer& answer) : p_(problem), c_(*problem.cell), row_(row), to_(answer) {
    const int64_t H = p_.hidden;
    Numbers state[kMost];
    for (int s = 0; s < c_.parts; ++s) state[s].assign(&p_.start[s][row * H], &p_.start[s][row * H] + H);
    for (int64_t n = 0; n < p_.lengths[row]; ++n) {
      const int64_t t = time(n);
      if (!p_.reverse && anew(t)) forget(state);
      step(t, state);
      if (p_.reverse && anew(t)) forget(state);
    }
    for (int s = 0; s < c_.parts; ++s)
      for (int64_t u = 0; u < H; ++u) to_.end[s][row * H + u] = state[s][u];
  }

  void back() {
    const int64_t H = p_.hidden;
    Numbers d[kMost];
    for (int s = 0; s < c_.parts; ++s) d[s].assign(&p_.dend[s][row_ * H], &p_.dend[s][row_ * H] + H);
    for (int64_t n = p_.lengths[row_] - 1; n >= 0; --n) {
      const int64_t t = time(n);
      if (p_.reverse && anew(t)) forget(d);
      step_back(n, t, d);
      if (!p_.reverse && anew(t)) forget(d);
    }
    for (int s = 0; s < c_.parts; ++s)
      for (int64_t u = 0; u < H; ++u) to_.dstart[s][row_ * H + u] = d[s][u];
  }

 private:
  int64_t time(int64_t n) const { return p_.reverse ? p_.lengths[row_] - 1 - n : n; }
  bool anew(int64_t t) const { return p_.reset[row_ * p_.steps + t] != 0; }
  void forget(Numbers* state) const {
    for (int s = 0; s < c_.parts; ++s) state[s].assign(p_.hidden, 0);
  }
  Unit& unit(int64_t n, int64_t u) { return kept_[n * p_.hidden + u]; }

  void step(int64_t t, Numbers* state) {
    const int64_t H = p_.hidden, D = p_.inputs;
    const Numbers before = state[c_.output];
    for (int64_t u = 0; u < H; ++u) {
      Unit at{};
      for (int g = 0; g < c_.gates; ++g) {
        const int64_t k = g * H + u;
        at.x[g] = p_.b[k];
        for (int64_t d = 0; d < D; ++d) at.x[g] += p_.w[k * D + d] * p_.x[(row_ * p_.steps + t) * D + d];
        if (!c_.dense) continue;
        at.u[g] = p_.br[k];
        for (int64_t v = 0; v < H; ++v) at.u[g] += p_.r[k * H + v] * before[v];
      }
      for (int s = 0; s < c_.parts; ++s) at.s[s] = state[s][u];
      for (int n = 0; n < c_.parameters; ++n) at.p[n] = p_.parameters[n][u];
      double next[kMost];
      c_.forward(at, next);
      for (int s = 0; s < c_.parts; ++s) state[s][u] = next[s];
      kept_.push_back(at);
      to_.y[(row_ * p_.steps + t) * H + u] = next[c_.output];
      to_.least = std::fmin(to_.least, std::fabs(at.x[0] + at.u[0]));
    }
    saw_.push_back(before);
  }

  void step_back(int64_t n, int64_t t, Numbers* d) {
    const int64_t H = p_.hidden, D = p_.inputs;
    Numbers through(H, 0);
    for (int64_t u = 0; u < H; ++u) {
      double own[kMost];
      for (int s = 0; s < c_.parts; ++s) own[s] = d[s][u];
      own[c_.output] += p_.dy[(row_ * p_.steps + t) * H + u];
      Gradients g;
      c_.backward(unit(n, u), own, g);
      for (int s = 0; s < c_.parts; ++s) d[s][u] = g.s[s];
      for (int m = 0; m < c_.parameters; ++m) to_.dparameters[m][u] += g.p[m];
      for (int m = 0; m < c_.gates; ++m) {
        const int64_t k = m * H + u;
        to_.db[k] += g.x[m];
        for (int64_t i = 0; i < D; ++i) {
          const int64_t at = (row_ * p_.steps + t) * D + i;
          to_.dx[at] += g.x[m] * p_.w[k * D + i];
          to_.dw[k * D + i] += g.x[m] * p_.x[at];
        }
        if (!c_.dense) continue;
        to_.dbr[k] += g.u[m];
        for (int64_t v = 0; v < H; ++v) {
          through[v] += g.u[m] * p_.r[k * H + v];
          to_.dr[k * H + v] += g.u[m] * saw_[n][v];
        }
      }
    }
    for (int64_t u = 0; u < H; ++u) d[c_.output][u] += through[u];
  }

  const Problem& p_;
  const Cell& c_;
  int64_t row_;
  Answer& to_;
  std::vector<Unit> kept_;
  std::vector<Numbers> saw_;
};

inline Answer solve(const Problem& p) {
  const int64_t gates = p.cell->gates * p.hidden, all = p.rows * p.steps;
  Answer answer;
  answer.y.resize(all * p.hidden), answer.dx.resize(all * p.inputs);
  answer.dw.resize(gates * p.inputs), answer.db.resize(gates);
  answer.dr.resize(gates * p.hidden), answer.dbr.resize(gates);
  for (Numbers& each : answer.dparameters) each.resize(p.hidden);
  for (Numbers& each : answer.end) each.resize(p.rows * p.hidden);
  for (Numbers& each : answer.dstart) each.resize(p.rows * p.hidden);
  for (int64_t row = 0; row < p.rows; ++row) Row(p, row, answer).back();
  return answer;
}

}  // namespace loop

#endif
