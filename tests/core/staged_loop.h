// The truth about the cells of staged_cells.inl: one row and one step after the other, in double, derived by hand.
#ifndef STAGED_LOOP_H
#define STAGED_LOOP_H

#include <cmath>
#include <cstdint>
#include <vector>

namespace staged {

using Numbers = std::vector<double>;
constexpr int kGates = 4, kMatrices = 5, kParts = 2;

// The equations of the two cells are beside their structs.
struct Cell {
  const char* name;
  int gates, parts;
  bool projected;
  int matrices() const { return gates + 1; }
};
inline const Cell normed = {"normed", 2, 1, false}, projected = {"projected", 4, 2, true};

// What a call is given, every array contiguous: x [B, T, D], dy [B, T, P], e [B, T, H], the rest as in ostinato.h.
struct Problem {
  const Cell* cell;
  int64_t rows, steps, inputs, hidden, shown;
  Numbers x, w, b, gain, e, matrices[kMatrices], start[kParts], dy, dend[kParts];
  std::vector<int64_t> lengths;
  std::vector<uint8_t> reset;
  bool reverse;
  // The widths of a part and of what the cell's own matrix makes.
  int64_t wide(int part) const { return part == 0 ? shown : hidden; }
  int64_t out(int matrix) const { return matrix == cell->gates ? shown : hidden; }
  int64_t in(int matrix) const { return matrix == cell->gates ? hidden : shown; }
};

struct Answer {
  Numbers y, end[kParts], dx, dw, db, dgain, dmatrices[kMatrices], dstart[kParts];
};

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double mean_of(const Numbers& values) {
  double sum = 0;
  for (const double each : values) sum += each;
  return sum / double(values.size());
}

// One row of a problem; what the steps saw is kept for the way back.
class Row {
 public:
  Row(const Problem& problem, int64_t row, Answer& answer)
      : p_(problem), own_(problem.cell->gates), row_(row), to_(answer) {
    Numbers state[kParts];
    for (int s = 0; s < p_.cell->parts; ++s) state[s] = part(p_.start[s], s);
    for (int64_t n = 0; n < p_.lengths[row]; ++n) {
      if (!p_.reverse && anew(n)) forget(state);
      step(n, state);
      for (int64_t u = 0; u < p_.shown; ++u) to_.y[at(n) * p_.shown + u] = state[0][u];
      if (p_.reverse && anew(n)) forget(state);
    }
    for (int s = 0; s < p_.cell->parts; ++s) put(to_.end[s], s, state[s]);
  }

  void back() {
    Numbers d[kParts];
    for (int s = 0; s < p_.cell->parts; ++s) d[s] = part(p_.dend[s], s);
    for (int64_t n = p_.lengths[row_] - 1; n >= 0; --n) {
      if (p_.reverse && anew(n)) forget(d);
      for (int64_t u = 0; u < p_.shown; ++u) d[0][u] += p_.dy[at(n) * p_.shown + u];
      step_back(n, d);
      if (!p_.reverse && anew(n)) forget(d);
    }
    for (int s = 0; s < p_.cell->parts; ++s) put(to_.dstart[s], s, d[s]);
  }

 private:
  // What stands before a step, its gates (of normed: f, the normed value), what its own matrix multiplies, and more.
  struct Kept {
    Numbers state[kParts], gate[kGates], operand, shown;
    double spread;
  };
  int64_t time(int64_t n) const { return p_.reverse ? p_.lengths[row_] - 1 - n : n; }
  int64_t at(int64_t n) const { return row_ * p_.steps + time(n); }
  bool anew(int64_t n) const { return p_.reset[at(n)] != 0; }
  Numbers part(const Numbers& all, int s) const {
    return Numbers(all.begin() + row_ * p_.wide(s), all.begin() + (row_ + 1) * p_.wide(s));
  }
  void put(Numbers& all, int s, const Numbers& values) const {
    for (int64_t u = 0; u < p_.wide(s); ++u) all[row_ * p_.wide(s) + u] = values[u];
  }
  void forget(Numbers* state) const {
    for (int s = 0; s < p_.cell->parts; ++s) state[s].assign(p_.wide(s), 0);
  }
  Numbers product(int m, const Numbers& by) const {
    Numbers made(p_.out(m), 0);
    for (int64_t u = 0; u < p_.out(m); ++u)
      for (int64_t k = 0; k < p_.in(m); ++k) made[u] += p_.matrices[m][u * p_.in(m) + k] * by[k];
    return made;
  }
  Numbers product_back(int m, const Numbers& by, const Numbers& d) {
    Numbers made(p_.in(m), 0);
    for (int64_t u = 0; u < p_.out(m); ++u)
      for (int64_t k = 0; k < p_.in(m); ++k) {
        made[k] += p_.matrices[m][u * p_.in(m) + k] * d[u];
        to_.dmatrices[m][u * p_.in(m) + k] += d[u] * by[k];
      }
    return made;
  }

  void step(int64_t n, Numbers* state) {
    const int64_t H = p_.hidden, D = p_.inputs;
    Kept kept;
    for (int s = 0; s < p_.cell->parts; ++s) kept.state[s] = state[s];
    for (int g = 0; g < p_.cell->gates; ++g) {
      kept.gate[g] = product(g, state[0]);
      for (int64_t u = 0; u < H; ++u) {
        kept.gate[g][u] += p_.b[g * H + u];
        for (int64_t d = 0; d < D; ++d) kept.gate[g][u] += p_.w[(g * H + u) * D + d] * p_.x[at(n) * D + d];
      }
    }
    p_.cell->projected ? step_projected(kept, state) : step_normed(n, kept, state);
    kept_.push_back(kept);
  }

  void step_normed(int64_t n, Kept& kept, Numbers* state) {
    Numbers &f = kept.gate[0], &raw = kept.gate[1], squares;
    const double mean = mean_of(raw);
    for (double& each : f) each = sigmoid(each);
    for (double& each : raw) each -= mean, squares.push_back(each * each);
    kept.spread = std::sqrt(mean_of(squares) + 0.125);
    for (double& each : raw) each /= kept.spread;
    for (int64_t u = 0; u < p_.hidden; ++u)
      kept.operand.push_back(f[u] * (p_.gain[u] * raw[u] + p_.e[at(n) * p_.hidden + u]));
    kept.shown = product(own_, kept.operand);
    for (int64_t u = 0; u < p_.hidden; ++u) {
      kept.shown[u] = std::tanh(kept.shown[u] + mean);
      state[0][u] = f[u] * state[0][u] + (1 - f[u]) * kept.shown[u];
    }
  }

  void step_projected(Kept& kept, Numbers* state) {
    Numbers *gate = kept.gate, &c = state[1];
    for (int64_t u = 0; u < p_.hidden; ++u) {
      for (int g = 0; g < 4; ++g) gate[g][u] = g == 2 ? std::tanh(gate[g][u]) : sigmoid(gate[g][u]);
      c[u] = gate[1][u] * c[u] + gate[0][u] * gate[2][u];
      kept.shown.push_back(std::tanh(c[u]));
      kept.operand.push_back(gate[3][u] * kept.shown[u]);
    }
    state[0] = product(own_, kept.operand);
  }

  void step_back(int64_t n, Numbers* d) {
    const int64_t H = p_.hidden, D = p_.inputs;
    const Kept& kept = kept_[n];
    Numbers gate[kGates];
    for (Numbers& each : gate) each.assign(H, 0);
    p_.cell->projected ? back_projected(kept, d, gate) : back_normed(n, kept, d, gate);
    for (int g = 0; g < p_.cell->gates; ++g) {
      const Numbers through = product_back(g, kept.state[0], gate[g]);
      for (int64_t u = 0; u < p_.shown; ++u) d[0][u] += through[u];
      for (int64_t u = 0; u < H; ++u) {
        to_.db[g * H + u] += gate[g][u];
        for (int64_t i = 0; i < D; ++i) {
          to_.dx[at(n) * D + i] += gate[g][u] * p_.w[(g * H + u) * D + i];
          to_.dw[(g * H + u) * D + i] += gate[g][u] * p_.x[at(n) * D + i];
        }
      }
    }
  }

  void back_normed(int64_t n, const Kept& kept, Numbers* d, Numbers* gate) {
    const int64_t H = p_.hidden;
    const Numbers &f = kept.gate[0], &value = kept.gate[1], &tanh = kept.shown;
    Numbers sum(H), slope(H), along(H);
    for (int64_t u = 0; u < H; ++u) sum[u] = d[0][u] * (1 - f[u]) * (1 - tanh[u] * tanh[u]);
    const Numbers operand = product_back(own_, kept.operand, sum);
    for (int64_t u = 0; u < H; ++u) {
      const double inner = p_.gain[u] * value[u] + p_.e[at(n) * H + u];
      gate[0][u] = (d[0][u] * (kept.state[0][u] - tanh[u]) + operand[u] * inner) * f[u] * (1 - f[u]);
      to_.dgain[u] += operand[u] * f[u] * value[u];
      slope[u] = operand[u] * f[u] * p_.gain[u];
      along[u] = slope[u] * value[u];
      d[0][u] *= f[u];
    }
    const double level = mean_of(slope), tilt = mean_of(along), mean = mean_of(sum);
    for (int64_t u = 0; u < H; ++u) gate[1][u] = (slope[u] - level - tilt * value[u]) / kept.spread + mean;
  }

  void back_projected(const Kept& kept, Numbers* d, Numbers* gate) {
    const Numbers operand = product_back(own_, kept.operand, d[0]), *was = kept.gate;
    for (int64_t u = 0; u < p_.hidden; ++u) {
      const double i = was[0][u], f = was[1][u], g = was[2][u], o = was[3][u], shown = kept.shown[u];
      const double dc = d[1][u] + operand[u] * o * (1 - shown * shown);
      gate[0][u] = dc * g * i * (1 - i);
      gate[1][u] = dc * kept.state[1][u] * f * (1 - f);
      gate[2][u] = dc * i * (1 - g * g);
      gate[3][u] = operand[u] * shown * o * (1 - o);
      d[1][u] = dc * f;
    }
    d[0].assign(p_.shown, 0);
  }

  const Problem& p_;
  const int own_;  // the cell's own matrix stands behind those of its gates
  const int64_t row_;
  Answer& to_;
  std::vector<Kept> kept_;
};

inline Answer solve(const Problem& p) {
  const int64_t gates = p.cell->gates * p.hidden, all = p.rows * p.steps;
  Answer answer;
  answer.y.resize(all * p.shown), answer.dx.resize(all * p.inputs), answer.dgain.resize(p.hidden);
  answer.dw.resize(gates * p.inputs), answer.db.resize(gates);
  for (int m = 0; m < p.cell->matrices(); ++m) answer.dmatrices[m].resize(p.out(m) * p.in(m));
  for (int s = 0; s < p.cell->parts; ++s) {
    answer.end[s].resize(p.rows * p.wide(s));
    answer.dstart[s].resize(p.rows * p.wide(s));
  }
  for (int64_t row = 0; row < p.rows; ++row) Row(p, row, answer).back();
  return answer;
}

}  // namespace staged

#endif
