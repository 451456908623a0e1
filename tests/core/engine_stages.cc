// Steps in stages: products and sums along a row inside a step, held to a loop written by hand. Two cells are compiled
// as on first use; the projected one is also run as it stands in the library, by the target in use.
#include "allocations.h"

#define OSTINATO_REAL float
#define OSTINATO_CELL normed
#include "plugin_begin.inl"

#include "staged_cells.inl"

#include "plugin_end.inl"

#include "memory.h"
#include "staged_loop.h"

using checking::allocations;
using checking::Dice;
using checking::Given;
using checking::Written;

namespace {

using OSTINATO_NAMESPACE::kernel_of;
using Floats = OSTINATO_NAMESPACE::f32;
using Doubles = OSTINATO_NAMESPACE::f64;

struct Plan {
  int64_t rows, steps, inputs, hidden, shown;
  int threads = 1, threads_back = 1;
  bool lengths = false, reset = false, reverse = false;
  bool alike = false;   // what is given is the same for all units of a row and step
  bool absent = false;  // some gradients are wanted by nobody
  int64_t gap = 0;      // numbers between neighbours in x, y and their gradients
  uint64_t seed = 1;
};

// Shapes that fill nothing evenly; the part that is shown is narrower or wider than the others.
Plan any_plan(Dice& dice) {
  Plan plan{dice.below(10), dice.below(13), dice.below(12), 1 + dice.below(70), 1 + dice.below(90)};
  plan.threads = 1 + int(dice.below(3)), plan.threads_back = 1 + int(dice.below(3));
  plan.lengths = dice.once_in(2), plan.reset = dice.once_in(2), plan.reverse = dice.once_in(2);
  plan.alike = dice.once_in(2), plan.absent = dice.once_in(2), plan.gap = dice.below(4);
  plan.seed = dice.next();
  return plan;
}

template <class R>
class Case {
 public:
  Case(const staged::Cell& cell, const ostinato_kernel* kernel, const Plan& plan) : plan_(plan) {
    make_problem(cell);
    place_given(kernel);
    place_written();
  }
  Case(const Case&) = delete;

  int32_t infer() {
    call.keep = nullptr;
    return ostinato_run(&call);
  }
  int32_t run_there_and_back() {
    keep_.assign(size_t(ostinato_keep_bytes(&call)) + kGuard, 0xff);
    call.keep = keep_.data();
    int32_t failed = ostinato_run(&call);
    call.threads = plan_.threads_back;
    failed += ostinato_run_back(&call, &gradient);
    call.threads = plan_.threads;
    for (size_t i = keep_.size() - kGuard; i < keep_.size(); ++i) CHECK(keep_[i] == 0xff, "more is kept than was told");
    return failed;
  }

  void check_forward(const staged::Answer& answer, double tolerance) {
    compare("y", answer.y, y, tolerance, p.shown);
    for (int s = 0; s < p.cell->parts; ++s) compare("end", answer.end[s], end[s], tolerance);
  }
  void check_back(const staged::Answer& answer, double tolerance) {
    compare("dx", answer.dx, dx, tolerance, p.inputs);
    compare("dw", answer.dw, dw, tolerance), compare("db", answer.db, db, tolerance);
    compare("dgain", answer.dgain, dgain, tolerance);
    for (int m = 0; m < p.cell->matrices(); ++m) compare("dmatrix", answer.dmatrices[m], dmatrices[m], tolerance);
    for (int s = 0; s < p.cell->parts; ++s) compare("dstart", answer.dstart[s], dstart[s], tolerance);
  }
  // All bits, or those of the rows but one.
  void check_same(const Case& other, int64_t but = -1) const {
    same("y", y, other.y, plan_.steps * (p.shown + plan_.gap), but);
    same("dx", dx, other.dx, plan_.steps * (p.inputs + plan_.gap), but);
    for (int s = 0; s < p.cell->parts; ++s) {
      same("end", end[s], other.end[s], p.wide(s), but);
      same("dstart", dstart[s], other.dstart[s], p.wide(s), but);
    }
    if (but >= 0) return;
    same("dw", dw, other.dw, 1, but), same("db", db, other.db, 1, but), same("dgain", dgain, other.dgain, 1, but);
    for (int m = 0; m < p.cell->matrices(); ++m) same("dmatrix", dmatrices[m], other.dmatrices[m], 1, but);
  }

  // A row of nothing but NaN; its lengths and resets stay.
  void spoil_row(int64_t row) {
    const auto fill = [&](Given<R>& to, int64_t width) {
      for (int64_t i = 0; to.get() && i < width; ++i) to.get()[row * width + i] = R(NAN);
    };
    fill(x, plan_.steps * (p.inputs + plan_.gap)), fill(dy, plan_.steps * (p.shown + plan_.gap));
    fill(e, plan_.steps * (plan_.alike ? 1 : p.hidden));
    for (int s = 0; s < p.cell->parts; ++s) fill(start[s], p.wide(s)), fill(dend[s], p.wide(s));
  }
  void spoil_weights() {
    for (size_t i = 0; i < p.w.size(); ++i) w.get()[i] = R(NAN);
    for (int m = 0; m < p.cell->matrices(); ++m)
      for (size_t i = 0; i < p.matrices[m].size(); ++i) matrices[m].get()[i] = R(NAN);
  }

  staged::Problem p;
  ostinato_call call{};
  ostinato_gradient gradient{};

 private:
  // Numbers that the kernel's type has.
  static staged::Numbers numbers(Dice& dice, int64_t count, double scale) {
    staged::Numbers made(size_t(count), 0);
    for (double& each : made) each = double(R(dice.number() * scale));
    return made;
  }

  void make_problem(const staged::Cell& cell) {
    const int64_t B = plan_.rows, T = plan_.steps, D = plan_.inputs, H = plan_.hidden;
    Dice dice(plan_.seed);
    p.cell = &cell;
    p.rows = B, p.steps = T, p.inputs = D, p.hidden = H, p.shown = cell.projected ? plan_.shown : H;
    p.reverse = plan_.reverse;
    p.x = numbers(dice, B * T * D, 1), p.dy = numbers(dice, B * T * p.shown, 1), p.e = numbers(dice, B * T * H, 1);
    for (int64_t i = 0; plan_.alike && i < B * T * H; ++i) p.e[size_t(i)] = p.e[size_t(i / H * H)];
    p.w = numbers(dice, cell.gates * H * D, 1.5 / std::sqrt(double(D + 1))), p.b = numbers(dice, cell.gates * H, 0.5);
    p.gain = numbers(dice, H, 0.9);
    for (int m = 0; m < cell.matrices(); ++m)
      p.matrices[m] = numbers(dice, p.out(m) * p.in(m), 1 / std::sqrt(double(p.in(m))));
    for (int s = 0; s < cell.parts; ++s) {
      p.start[s] = numbers(dice, B * p.wide(s), 1);
      p.dend[s] = numbers(dice, B * p.wide(s), 1);
    }
    p.lengths.assign(size_t(B), T), p.reset.assign(size_t(B * T), 0);
    for (int64_t& each : p.lengths)
      if (plan_.lengths) each = dice.once_in(4) ? 0 : dice.below(T + 1);
    for (uint8_t& each : p.reset)
      if (plan_.reset) each = dice.once_in(4) ? uint8_t(1 + dice.below(255)) : 0;
    for (bool& each : absent_) each = plan_.absent && dice.once_in(4);
  }

  // Gaps and the steps past a length hold NaN.
  Given<R> strided(const staged::Numbers& from, int64_t width, int64_t inner) const {
    Given<R> made(plan_.rows * plan_.steps * inner, 0);
    for (int64_t i = 0; i < plan_.rows * plan_.steps * inner; ++i) {
      const int64_t at = i / inner, k = i % inner;
      const bool valid = k < width && at % plan_.steps < p.lengths[size_t(at / plan_.steps)];
      made.get()[i] = valid ? R(from[size_t(at * (int64_t(from.size()) / (plan_.rows * plan_.steps)) + k)]) : R(NAN);
    }
    return made;
  }
  static const R* place(Given<R>& to, const staged::Numbers& from) {
    to = Given<R>(int64_t(from.size()), 0);
    to.copy(from);
    return to.get();
  }

  void place_given(const ostinato_kernel* kernel) {
    call.kernel = kernel;
    call.rows = p.rows, call.steps = p.steps, call.inputs = p.inputs, call.hidden = p.hidden, call.shown = p.shown;
    call.reverse = p.reverse, call.threads = plan_.threads;
    const int64_t in = p.inputs + plan_.gap, out = p.shown + plan_.gap, unit = plan_.alike ? 1 : p.hidden;
    x = strided(p.x, p.inputs, in), dy = strided(p.dy, p.shown, out), e = strided(p.e, unit, unit);
    call.x = x.get(), call.x_row = p.steps * in, call.x_step = in;
    gradient.dy = dy.get(), gradient.dy_row = p.steps * out, gradient.dy_step = out;
    call.w = place(w, p.w), call.b = place(b, p.b);
    gain_[0] = place(gain, p.gain), given_[0] = e.get();
    strides_[0] = p.steps * unit, strides_[1] = unit, strides_[2] = plan_.alike ? 0 : 1;
    call.parameters = gain_, call.given = given_, call.given_strides = strides_;
    for (int m = 0; m < p.cell->matrices(); ++m) matrices_[m] = place(matrices[m], p.matrices[m]);
    for (int s = 0; s < p.cell->parts; ++s) {
      starts_[s] = place(start[s], p.start[s]);
      dends_[s] = place(dend[s], p.dend[s]);
    }
    call.matrices = matrices_, call.start = starts_, gradient.dend = dends_;
    if (plan_.lengths) call.lengths = p.lengths.data();
    if (plan_.reset) call.reset = p.reset.data();
  }

  R* strided_room(Written<R>& to, int64_t width) const {
    const int64_t inner = width + plan_.gap;
    to.make(plan_.rows * plan_.steps * inner, 0);
    for (int64_t i = 0; i < plan_.rows * plan_.steps; ++i)
      for (int64_t k = 0; k < width; ++k) to.promise(i * inner + k);
    return to.get();
  }
  static R* room(Written<R>& to, int64_t count, bool absent = false) {
    if (absent) return nullptr;
    to.make(count, 0);
    to.promise_all(count);
    return to.get();
  }

  void place_written() {
    const int64_t H = p.hidden, gates = p.cell->gates * H;
    call.y = strided_room(y, p.shown), call.y_row = gradient.dy_row, call.y_step = gradient.dy_step;
    if (!absent_[0]) gradient.dx = strided_room(dx, p.inputs);
    gradient.dx_row = call.x_row, gradient.dx_step = call.x_step;
    gradient.dw = room(dw, gates * p.inputs, absent_[1]), gradient.db = room(db, gates, absent_[2]);
    dgain_[0] = p.cell->projected ? nullptr : room(dgain, H, absent_[3]);
    for (int m = 0; m < p.cell->matrices() && !absent_[4]; ++m)
      dmatrices_[m] = room(dmatrices[m], p.out(m) * p.in(m), absent_[5 + m]);
    for (int s = 0; s < p.cell->parts; ++s) {
      ends_[s] = room(end[s], p.rows * p.wide(s));
      dstarts_[s] = room(dstart[s], p.rows * p.wide(s), absent_[10 + s]);
    }
    call.end = ends_, gradient.dparameters = dgain_, gradient.dstart = dstarts_;
    gradient.dmatrices = absent_[4] ? nullptr : dmatrices_;
  }

  // Differences count by the largest number of the array.
  void compare(const char* what, const staged::Numbers& wanted, Written<R>& found, double tolerance,
               int64_t width = 0) const {
    if (!found.get()) return;
    found.check_guards(what);
    double largest = 1;
    for (const double each : wanted) largest = std::fmax(largest, std::fabs(each));
    for (int64_t i = 0; i < int64_t(wanted.size()); ++i) {
      const double got = double(found.get()[width ? i / width * (width + plan_.gap) + i % width : i]);
      CHECK(std::fabs(got - wanted[size_t(i)]) / largest <= tolerance,
            "%s of %s at %lld is %.9g, not %.9g; B %lld T %lld D %lld H %lld P %lld, seed %llu", what, p.cell->name,
            (long long)i, got, wanted[size_t(i)], (long long)p.rows, (long long)p.steps, (long long)p.inputs,
            (long long)p.hidden, (long long)p.shown, (unsigned long long)plan_.seed);
    }
  }
  void same(const char* what, const Written<R>& here, const Written<R>& there, int64_t width, int64_t but) const {
    if (here.all().empty()) return;
    const int64_t before = here.begin(), count = int64_t(here.all().size());
    for (int64_t i = 0; i < count; ++i)
      CHECK((but >= 0 && i >= before + but * width && i < before + (but + 1) * width) ||
                checking::same(here.all()[size_t(i)], there.all()[size_t(i)]),
            "%s of %s has other bits at %lld, seed %llu", what, p.cell->name, (long long)(i - before),
            (unsigned long long)plan_.seed);
  }

  static constexpr size_t kGuard = 64;
  Plan plan_;
  bool absent_[12];
  std::vector<unsigned char> keep_;
  Given<R> x, w, b, gain, e, matrices[staged::kMatrices], start[staged::kParts], dy, dend[staged::kParts];
  Written<R> y, end[staged::kParts], dx, dw, db, dgain, dmatrices[staged::kMatrices], dstart[staged::kParts];
  const void *gain_[1] = {}, *given_[1] = {}, *matrices_[staged::kMatrices] = {};
  const void *starts_[staged::kParts] = {}, *dends_[staged::kParts] = {};
  void *dgain_[1] = {}, *dmatrices_[staged::kMatrices] = {};
  void *ends_[staged::kParts] = {}, *dstarts_[staged::kParts] = {};
  int64_t strides_[3];
};

template <class R>
void agree(const staged::Cell& cell, const ostinato_kernel* kernel, const Plan& plan) {
  const double tolerance = sizeof(R) == 4 ? 2e-5 : 4e-14;
  Case<R> here(cell, kernel, plan);
  CHECK(!ostinato_refusal(&here.call), "%s is refused: %s", cell.name, ostinato_refusal(&here.call));
  const staged::Answer answer = staged::solve(here.p);
  CHECK(here.infer() == 0, "%s without gradients", cell.name);
  here.check_forward(answer, tolerance);
  CHECK(here.run_there_and_back() == 0, "%s with gradients", cell.name);
  here.check_forward(answer, tolerance), here.check_back(answer, tolerance);
}

// The same bits beside a row of NaN, and after a call of the same shape that left NaN in the memory which is kept.
template <class R>
void nobody_else_is_seen(const staged::Cell& cell, const ostinato_kernel* kernel, const Plan& plan) {
  Case<R> before(cell, kernel, plan), beside(cell, kernel, plan);
  Case<R> spoiled(cell, kernel, plan), after(cell, kernel, plan);
  const int64_t row = plan.rows / 2;
  beside.spoil_row(row), spoiled.spoil_weights();
  CHECK(before.run_there_and_back() == 0 && beside.run_there_and_back() == 0, "%s", cell.name);
  CHECK(spoiled.run_there_and_back() == 0 && after.run_there_and_back() == 0, "%s", cell.name);
  before.check_same(beside, row), before.check_same(after);
}

// A call there and back allocates a block for each way, and nothing for a step.
template <class R>
void steps_allocate_nothing(const staged::Cell& cell, const ostinato_kernel* kernel) {
  for (const int64_t steps : {10, 300})
    for (const int threads : {1, 3}) {
      Plan plan{6, steps, 5, 21, 13, threads, threads};
      plan.lengths = plan.reset = true;
      Case<R> here(cell, kernel, plan);
      CHECK(here.run_there_and_back() == 0, "%s", cell.name);
      const int64_t before = allocations;
      CHECK(ostinato_run(&here.call) == 0 && ostinato_run_back(&here.call, &here.gradient) == 0, "%s", cell.name);
      CHECK(allocations - before <= 2, "%s of %lld steps allocates %lld times", cell.name, (long long)steps,
            (long long)(allocations - before));
    }
}

void hold(const staged::Cell& cell, const ostinato_kernel* floats, const ostinato_kernel* doubles) {
  Dice dice(7);
  for (int round = 0; round < 60; ++round) {
    Plan plan = any_plan(dice);
    agree<float>(cell, floats, plan);
    agree<double>(cell, doubles, plan);
    if (round % 4 || plan.rows < 2) continue;
    nobody_else_is_seen<float>(cell, floats, plan);
    nobody_else_is_seen<double>(cell, doubles, plan);
  }
  // Work enough for three threads that share the rows; and one row, of which they share what is outside the loop.
  for (const bool reverse : {false, true}) {
    Plan many{7, 23, 9, 61, reverse ? 83 : 29, 3, 2}, one{1, 90, 150, 77, reverse ? 90 : 50, 3, 3};
    for (Plan* plan : {&many, &one}) {
      plan->lengths = plan == &many, plan->reset = true, plan->reverse = reverse;
      agree<float>(cell, floats, *plan);
      agree<double>(cell, doubles, *plan);
    }
  }
  steps_allocate_nothing<float>(cell, floats);
  steps_allocate_nothing<double>(cell, doubles);
}

const ostinato_kernel* built_in(const char* name, int32_t bytes) {
  for (int32_t i = 0; i < ostinato_cell_count(); ++i)
    if (std::strcmp(ostinato_cell_at(i)->name, name) == 0) return ostinato_kernel_at(i, bytes);
  return nullptr;
}

}  // namespace

int main() {
  count_allocations();
  CHECK(ostinato_plugin()->staged == 1 && ostinato_plugin()->sums > 0, "the plugin tells of another cell");
  hold(staged::projected, built_in("lstm_projected", 4), built_in("lstm_projected", 8));
  // This file is compiled for the oldest CPU of its kind, so that is what the core has to be from here on.
  CHECK(ostinato_target_choose(0) == 1, "the first target does not run");
  hold(staged::projected, &kernel_of<Floats, OSTINATO_NAMESPACE::projected>,
       &kernel_of<Doubles, OSTINATO_NAMESPACE::projected>);
  hold(staged::normed, &kernel_of<Floats, OSTINATO_NAMESPACE::normed>, &kernel_of<Doubles, OSTINATO_NAMESPACE::normed>);
  return checking::outcome();
}
