// A call of the engine on numbers made from a seed: laid out in memory between zones that nobody may touch, run there
// and back, and compared with the plain loop.
#ifndef CASE_H
#define CASE_H

#include "loop.h"
#include "memory.h"
#include "ostinato.h"

namespace checking {

struct Plan {
  int64_t rows, steps, inputs, hidden;
  int threads = 1, threads_back = 0;  // 0: as many as on the way forward
  bool lengths = false, reset = false, reverse = false, time_major = false;
  int64_t gap = 0;          // numbers between neighbours in x, y and their gradients
  int64_t shift = 0;        // elements by which every pointer misses its alignment
  unsigned absent = 0;      // a bit for each of kAbsent
  uint64_t seed = 1;
};
enum Absent : unsigned {
  no_b = 1, no_br = 2, no_dy = 4, no_dend = 8, no_dx = 16, no_dw = 32, no_db = 64, no_dr = 128, no_dbr = 256,
  no_dstart = 512, no_dparameters = 1024, no_last_part = 2048,
};
constexpr unsigned kAbsent = 4096;

// Shapes that fill nothing evenly, and everything that a call may leave out or turn around.
inline Plan any_plan(Dice& dice) {
  Plan plan{dice.below(10), dice.below(41), dice.below(21), 1 + dice.below(70)};
  plan.threads = 1 + int(dice.below(4));
  plan.threads_back = 1 + int(dice.below(4));
  plan.lengths = dice.once_in(2), plan.reset = dice.once_in(2), plan.reverse = dice.once_in(2);
  plan.time_major = dice.once_in(2);
  plan.gap = dice.once_in(2) ? dice.below(6) : 0;
  plan.shift = dice.below(2);
  // Half of the calls leave out nothing, the others about a quarter of all.
  if (dice.once_in(2)) plan.absent = unsigned(dice.next() >> 33 & dice.next() >> 33) & (kAbsent - 1);
  plan.seed = dice.next();
  return plan;
}

inline const ostinato_kernel* kernel_named(const char* name, int32_t bytes) {
  for (int32_t i = 0; i < ostinato_cell_count(); ++i)
    if (std::strcmp(ostinato_cell_at(i)->name, name) == 0) return ostinato_kernel_at(i, bytes);
  return nullptr;
}

template <class R>
class Case {
 public:
  using Kept = std::vector<unsigned char>;

  Case(const loop::Cell& cell, const Plan& plan, const ostinato_kernel* kernel = nullptr) : plan_(plan) {
    make_problem(cell);
    place_given(kernel ? kernel : kernel_named(cell.name, sizeof(R)));
    place_written();
  }
  Case(const Case&) = delete;

  // The way forward only, as somebody would who needs no gradients.
  int32_t infer() {
    call.keep = nullptr;
    return ostinato_run(&call);
  }
  int32_t run() {
    keep_.assign(size_t(ostinato_keep_bytes(&call)) + 2 * sizeof(R), 0xa5);
    call.keep = keep_.data() + (plan_.shift ? sizeof(R) : 0);
    return ostinato_run(&call);
  }
  int32_t back() {
    call.threads = plan_.threads_back ? plan_.threads_back : plan_.threads;
    const int32_t failed = ostinato_run_back(&call, &gradient);
    call.threads = plan_.threads;
    return failed;
  }

  // Whether all that was written is what the loop says, within a tolerance.
  void check(double tolerance) {
    const loop::Answer answer = loop::solve(problem);
    check_forward(answer, tolerance);
    // Where relu bends both slopes are right.
    if (std::strcmp(problem.cell->name, "elman_relu") == 0 && answer.least < 1e-5) return;
    check_back(answer, tolerance);
  }
  void check_forward(const loop::Answer& answer, double tolerance) {
    compare_strided("y", answer.y, y, plan_.hidden, call.y_row, call.y_step, tolerance);
    for (int s = 0; s < problem.cell->parts; ++s) compare("end", answer.end[s], end[s], tolerance);
  }
  bool same_bits(const Case& other) const {
    bool same = equal(y, other.y) && equal(dx, other.dx) && equal(dw, other.dw) && equal(db, other.db) &&
                equal(dr, other.dr) && equal(dbr, other.dbr);
    for (int s = 0; s < loop::kMost; ++s)
      same = same && equal(end[s], other.end[s]) && equal(dstart[s], other.dstart[s]) &&
             equal(dparameters[s], other.dparameters[s]);
    return same;
  }

  loop::Problem problem;
  ostinato_call call{};
  ostinato_gradient gradient{};
  Given<R> x, w, b, r, br, parameters[loop::kMost], start[loop::kMost], dy, dend[loop::kMost];
  Written<R> y, end[loop::kMost], dx, dw, db, dr, dbr, dparameters[loop::kMost], dstart[loop::kMost];

 private:
  static bool equal(const Written<R>& a, const Written<R>& b) {
    return a.all().size() == b.all().size() &&
           (a.all().empty() || std::memcmp(a.all().data(), b.all().data(), a.all().size() * sizeof(R)) == 0);
  }
  bool has(unsigned what) const { return !(plan_.absent & what); }

  // Numbers that the kernel's type has; zeros for what the call leaves out.
  loop::Numbers numbers(Dice& dice, int64_t count, double scale, bool present = true) const {
    loop::Numbers made(size_t(count), 0);
    for (double& each : made) each = present ? double(R(dice.number() * scale)) : 0;
    return made;
  }

  void make_problem(const loop::Cell& cell) {
    const int64_t B = plan_.rows, T = plan_.steps, D = plan_.inputs, H = plan_.hidden, GH = cell.gates * H;
    Dice dice(plan_.seed);
    problem.cell = &cell;
    problem.rows = B, problem.steps = T, problem.inputs = D, problem.hidden = H, problem.reverse = plan_.reverse;
    problem.x = numbers(dice, B * T * D, 1);
    problem.w = numbers(dice, GH * D, 1.5 / std::sqrt(double(D + 1)));
    problem.b = numbers(dice, GH, 0.5, has(no_b));
    problem.r = numbers(dice, cell.dense ? GH * H : 0, 1.2 / std::sqrt(double(H)));
    problem.br = numbers(dice, GH, 0.5, has(no_br));
    problem.dy = numbers(dice, B * T * H, 1, has(no_dy));
    for (int n = 0; n < cell.parameters; ++n) problem.parameters[n] = numbers(dice, H, 0.9);
    for (int s = 0; s < cell.parts; ++s) {
      problem.start[s] = numbers(dice, B * H, 1);
      problem.dend[s] = numbers(dice, B * H, 1, has(no_dend) && !(s + 1 == cell.parts && !has(no_last_part)));
    }
    problem.lengths.assign(size_t(B), T);
    problem.reset.assign(size_t(B * T), 0);
    for (int64_t& each : problem.lengths)
      if (plan_.lengths) each = dice.once_in(4) ? 0 : dice.below(T + 1);
    for (uint8_t& each : problem.reset)
      if (plan_.reset) each = dice.once_in(4) ? uint8_t(1 + dice.below(255)) : 0;
  }

  // Where (row, step) begins, and how much room there is in all.
  struct Strides {
    int64_t row, step, count;
  };
  Strides strides(int64_t width) const {
    const int64_t inner = width + plan_.gap;
    Strides made = plan_.time_major ? Strides{inner, plan_.rows * inner + plan_.gap, 0}
                                    : Strides{plan_.steps * inner + plan_.gap, inner, 0};
    if (plan_.rows > 0 && plan_.steps > 0)
      made.count = (plan_.rows - 1) * made.row + (plan_.steps - 1) * made.step + width;
    return made;
  }

  // Steps past a length and the gaps hold what would spoil everything that it touched.
  Given<R> strided(const loop::Numbers& from, int64_t width, const Strides& at) const {
    Given<R> made(at.count, plan_.shift);
    for (int64_t i = 0; i < at.count; ++i) made.get()[i] = R(i % 2 ? NAN : INFINITY);
    for (int64_t i = 0; i < plan_.rows; ++i)
      for (int64_t t = 0; t < problem.lengths[size_t(i)]; ++t)
        for (int64_t k = 0; k < width; ++k)
          made.get()[i * at.row + t * at.step + k] = R(from[size_t((i * plan_.steps + t) * width + k)]);
    return made;
  }
  Given<R> dense(const loop::Numbers& from) const {
    Given<R> made(int64_t(from.size()), plan_.shift);
    made.copy(from);
    return made;
  }

  void place_given(const ostinato_kernel* kernel) {
    const loop::Cell& cell = *problem.cell;
    call.kernel = kernel;
    call.rows = plan_.rows, call.steps = plan_.steps, call.inputs = plan_.inputs, call.hidden = plan_.hidden;
    call.reverse = plan_.reverse, call.threads = plan_.threads;
    const Strides in = strides(plan_.inputs), out = strides(plan_.hidden);
    x = strided(problem.x, plan_.inputs, in), w = dense(problem.w);
    call.x = x.get(), call.x_row = in.row, call.x_step = in.step, call.w = w.get();
    if (has(no_b)) b = dense(problem.b);
    if (cell.dense) r = dense(problem.r);
    if (cell.dense && has(no_br)) br = dense(problem.br);
    call.b = b.get(), call.r = r.get(), call.br = br.get();
    for (int n = 0; n < cell.parameters; ++n) {
      parameters[n] = dense(problem.parameters[n]);
      named_[n] = parameters[n].get();
    }
    for (int s = 0; s < cell.parts; ++s) {
      start[s] = dense(problem.start[s]);
      starts_[s] = start[s].get();
      if (!has(no_dend) || (s + 1 == cell.parts && !has(no_last_part))) continue;
      dend[s] = dense(problem.dend[s]);
      dends_[s] = dend[s].get();
    }
    call.parameters = named_, call.start = starts_;
    call.shown = plan_.hidden;
    if (plan_.lengths) call.lengths = problem.lengths.data();
    if (plan_.reset) call.reset = problem.reset.data();
    if (has(no_dy)) dy = strided(problem.dy, plan_.hidden, out);
    gradient.dy = dy.get(), gradient.dy_row = out.row, gradient.dy_step = out.step;
    gradient.dend = has(no_dend) ? dends_ : nullptr;
  }

  void promise_strided(Written<R>& to, int64_t width, const Strides& at) const {
    to.make(at.count, plan_.shift);
    for (int64_t i = 0; i < plan_.rows; ++i)
      for (int64_t t = 0; t < plan_.steps; ++t)
        for (int64_t k = 0; k < width; ++k) to.promise(i * at.row + t * at.step + k);
  }
  R* promise_dense(Written<R>& to, int64_t count, bool wanted = true) const {
    if (!wanted) return nullptr;
    to.make(count, plan_.shift);
    to.promise_all(count);
    return to.get();
  }

  void place_written() {
    const loop::Cell& cell = *problem.cell;
    const int64_t H = plan_.hidden, BH = plan_.rows * H, GH = cell.gates * H;
    const Strides in = strides(plan_.inputs), out = strides(H);
    promise_strided(y, H, out);
    call.y = y.get(), call.y_row = out.row, call.y_step = out.step, call.end = ends_;
    if (has(no_dx)) promise_strided(dx, plan_.inputs, in);
    gradient.dx = dx.get(), gradient.dx_row = in.row, gradient.dx_step = in.step;
    gradient.dw = promise_dense(dw, GH * plan_.inputs, has(no_dw));
    gradient.db = promise_dense(db, GH, has(no_db));
    gradient.dr = promise_dense(dr, GH * H, cell.dense && has(no_dr));
    gradient.dbr = promise_dense(dbr, GH, cell.dense && has(no_dbr));
    for (int s = 0; s < cell.parts; ++s) {
      ends_[s] = promise_dense(end[s], BH);
      dstarts_[s] = promise_dense(dstart[s], BH, has(no_dstart) && !(s + 1 == cell.parts && !has(no_last_part)));
    }
    for (int n = 0; n < cell.parameters; ++n)
      dnamed_[n] = promise_dense(dparameters[n], H, has(no_dparameters) && !(n == 1 && !has(no_last_part)));
    gradient.dstart = has(no_dstart) ? dstarts_ : nullptr;
    gradient.dparameters = has(no_dparameters) ? dnamed_ : nullptr;
  }

  void check_back(const loop::Answer& answer, double tolerance) {
    compare_strided("dx", answer.dx, dx, plan_.inputs, gradient.dx_row, gradient.dx_step, tolerance);
    compare("dw", answer.dw, dw, tolerance), compare("db", answer.db, db, tolerance);
    compare("dr", answer.dr, dr, tolerance), compare("dbr", answer.dbr, dbr, tolerance);
    for (int s = 0; s < problem.cell->parts; ++s) compare("dstart", answer.dstart[s], dstart[s], tolerance);
    for (int n = 0; n < problem.cell->parameters; ++n)
      compare("dparameter", answer.dparameters[n], dparameters[n], tolerance);
    check_keep();
  }

  void compare(const char* what, const loop::Numbers& wanted, Written<R>& found, double tolerance) {
    compare_strided(what, wanted, found, int64_t(wanted.size()), 0, 0, tolerance);
  }
  // Differences count by the largest number of the array.
  void compare_strided(const char* what, const loop::Numbers& wanted, Written<R>& found, int64_t width, int64_t row,
                       int64_t step, double tolerance) {
    if (!found.get()) return;
    found.check_guards(what);
    double largest = 1;
    for (const double each : wanted) largest = std::fmax(largest, std::fabs(each));
    const int64_t steps = row || step ? plan_.steps : 1;
    for (int64_t i = 0; i < int64_t(wanted.size()); ++i) {
      const int64_t at = i / width / steps * row + i / width % steps * step + i % width;
      const double away = std::fabs(double(found.get()[at]) - wanted[size_t(i)]) / largest;
      if (away > worst) worst = away;
      CHECK(away <= tolerance, "%s of %s at %lld is %.9g, not %.9g; B %lld T %lld D %lld H %lld, seed %llu", what,
            problem.cell->name, (long long)i, double(found.get()[at]), wanted[size_t(i)], (long long)plan_.rows,
            (long long)plan_.steps, (long long)plan_.inputs, (long long)plan_.hidden, (unsigned long long)plan_.seed);
    }
  }
  void check_keep() const {
    const size_t begin = plan_.shift ? sizeof(R) : 0, count = keep_.size() - 2 * sizeof(R);
    for (size_t i = 0; i < keep_.size(); ++i)
      CHECK((i >= begin && i < begin + count) || keep_[i] == 0xa5, "keep is written at %zu of %zu", i - begin, count);
  }

  Plan plan_;
  Kept keep_;
  const void *named_[loop::kMost] = {}, *starts_[loop::kMost] = {}, *dends_[loop::kMost] = {};
  void *ends_[loop::kMost] = {}, *dnamed_[loop::kMost] = {}, *dstarts_[loop::kMost] = {};

 public:
  double worst = 0;
};

}  // namespace checking

#endif
