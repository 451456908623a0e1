// The engine through its C ABI, against the plain loop: all built-in cells, float and double, shapes from a fixed seed.
#include <cstdlib>

#include "case.h"

using checking::Case;
using checking::Dice;
using checking::Plan;

namespace {

const loop::Cell* const kCells[] = {&loop::elman, &loop::elman_relu, &loop::lstm, &loop::gru};

template <class R>
constexpr double kTolerance = sizeof(R) == 4 ? 1e-5 : 2e-13;

// How far the engine was from the loop at most, for whoever changes the tolerance.
double worst[2] = {0, 0};

// Forward without keeping, then forward and back: both against the loop.
template <class R>
void agree(const loop::Cell& cell, const Plan& plan) {
  Case<R> here(cell, plan);
  CHECK(!ostinato_refusal(&here.call), "%s is refused: %s", cell.name, ostinato_refusal(&here.call));
  CHECK(here.infer() == 0, "%s without gradients", cell.name);
  here.check_forward(loop::solve(here.problem), kTolerance<R>);
  CHECK(here.run() == 0 && here.back() == 0, "%s with gradients", cell.name);
  here.check(kTolerance<R>);
  double& known = worst[sizeof(R) == 8];
  if (here.worst > known) known = here.worst;
}

void agree_in_both(const loop::Cell& cell, const Plan& plan) {
  agree<float>(cell, plan);
  agree<double>(cell, plan);
}

void fuzz(int rounds) {
  Dice dice(17);
  for (int round = 0; round < rounds; ++round)
    for (const loop::Cell* cell : kCells) agree_in_both(*cell, checking::any_plan(dice));
}

// Shapes for which the engine has ways of its own: no rows, no steps, no inputs; units shared out among threads; more
// steps than one stretch holds; rows that all end at once.
void corners() {
  for (const loop::Cell* cell : kCells)
    for (const int64_t rows : {0, 1, 3})
      for (const int64_t steps : {0, 1, 2})
        for (const int64_t inputs : {0, 1}) agree_in_both(*cell, {rows, steps, inputs, 5});
  for (const loop::Cell* cell : kCells) {
    const int64_t hidden = cell->gates == 1 ? 321 : 163;
    for (const int threads : {2, 3, 4}) {
      Plan plan{1, 7, 11, hidden, threads};
      plan.reset = plan.reverse = threads == 3, plan.gap = threads == 4, plan.shift = threads == 4;
      agree_in_both(*cell, plan);
      plan.rows = 2, plan.lengths = true;
      agree_in_both(*cell, plan);
    }
  }
  // So many inputs for so few units that other threads help around the steps of the first.
  for (const loop::Cell* cell : kCells)
    for (const int threads : {2, 4}) {
      Plan plan{1, 400, 90, cell->gates == 1 ? 70 : 25, threads, 5 - threads};
      plan.reset = plan.reverse = threads == 4;
      agree_in_both(*cell, plan);
      plan.rows = 2, plan.lengths = true;
      agree_in_both(*cell, plan);
    }
  Plan large{3, 3, 2, 373, 3};
  large.lengths = large.reset = true;
  agree<float>(loop::gru, large);
  Plan many{70, 5, 33, 40, 70};
  many.lengths = many.reset = true;
  agree_in_both(loop::gru, many);
  agree_in_both(loop::lstm, {1, 900, 3, 9});
  agree_in_both(loop::gru, {2, 0, 3, 4, 4, 4, true});
}

// Far more steps than anything is made for, of a single unit.
void a_long_sequence() {
  agree<float>(loop::gru, {1, 70000, 1, 1, 4});
  agree<double>(loop::lstm, {1, 70000, 1, 1, 4});
}

template <class R>
bool same_row(checking::Written<R>& a, checking::Written<R>& b, int64_t at, int64_t count) {
  return std::memcmp(a.get() + at, b.get() + at, size_t(count) * sizeof(R)) == 0;
}

// A row of NaN changes no bit of any other row.
template <class R>
void rows_are_strangers(const loop::Cell& cell, const Plan& plan) {
  Case<R> clean(cell, plan), spoiled(cell, plan);
  const int64_t bad = plan.rows / 2;
  for (int64_t t = 0; t < plan.steps; ++t)
    for (int64_t d = 0; d < plan.inputs; ++d)
      spoiled.x.get()[bad * spoiled.call.x_row + t * spoiled.call.x_step + d] = t % 2 ? R(NAN) : R(INFINITY);
  CHECK(clean.run() == 0 && clean.back() == 0 && spoiled.run() == 0 && spoiled.back() == 0, "%s", cell.name);
  for (int64_t row = 0; row < plan.rows; ++row) {
    if (row == bad) continue;
    bool same = true;
    for (int64_t t = 0; t < plan.steps; ++t) {
      same = same && same_row(clean.y, spoiled.y, row * clean.call.y_row + t * clean.call.y_step, plan.hidden);
      same = same && same_row(clean.dx, spoiled.dx, row * clean.call.x_row + t * clean.call.x_step, plan.inputs);
    }
    for (int s = 0; s < cell.parts; ++s) {
      same = same && same_row(clean.end[s], spoiled.end[s], row * plan.hidden, plan.hidden);
      same = same && same_row(clean.dstart[s], spoiled.dstart[s], row * plan.hidden, plan.hidden);
    }
    CHECK(same, "row %lld of %s has other bits beside a row of NaN", (long long)row, cell.name);
  }
}

void strangers() {
  for (const loop::Cell* cell : kCells)
    for (const int64_t rows : {2, 5, 7})
      for (const int threads : {1, 3}) {
        Plan plan{rows, 9, 6, 37, threads};
        plan.reset = rows == 5, plan.lengths = rows == 7, plan.reverse = threads == 3;
        rows_are_strangers<float>(*cell, plan);
        rows_are_strangers<double>(*cell, plan);
      }
}

}  // namespace

int main(int count, char** words) {
  corners();
  strangers();
  a_long_sequence();
  // A number of rounds may be given: a night of them, or fewer.
  fuzz(count > 1 ? std::atoi(words[1]) : 40);
  std::printf("float %.3g, double %.3g away from the loop at most\n", worst[0], worst[1]);
  return checking::outcome();
}
