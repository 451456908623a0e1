// The engine and memory: nothing is allocated for a step, what is kept is used again and tells nothing of the call
// before, and a call that is too large fails without harm.
#include "allocations.h"
#include "case.h"

using checking::allocations;
using checking::Case;
using checking::Dice;
using checking::Plan;

namespace {

const loop::Cell* const kCells[] = {&loop::elman, &loop::elman_relu, &loop::lstm, &loop::gru};

// What a call there and back allocates.
template <class R>
int64_t allocated_by(Case<R>& here) {
  const int64_t before = allocations;
  const int32_t failed = ostinato_run(&here.call) + here.back();
  const int64_t count = allocations - before;
  CHECK(failed == 0, "a call failed");
  return count;
}

template <class R>
void steps_allocate_nothing(const loop::Cell& cell, bool lengths, int threads) {
  for (const int64_t steps : {10, 1000}) {
    Plan plan{2, steps, 7, 24, threads};
    plan.lengths = plan.reset = lengths;
    Case<R> here(cell, plan);
    CHECK(here.run() == 0, "%s", cell.name);
    // One block for each way, unless one was kept that fits.
    const int64_t first = allocated_by(here);
    CHECK(first <= 2, "%s of %lld steps allocates %lld times", cell.name, (long long)steps, (long long)first);
    const int64_t before = allocations;
    const int64_t bytes = ostinato_keep_bytes(&here.call);
    CHECK(bytes > 0 && allocations == before, "the room to keep is allocated while it is counted");
    const int64_t again = allocated_by(here);
    CHECK(again == 0, "%s of %lld steps allocates %lld times though memory is kept", cell.name, (long long)steps,
          (long long)again);
  }
}

void no_step_allocates() {
  for (const loop::Cell* cell : kCells)
    for (const bool lengths : {false, true})
      for (const int threads : {1, 3}) {
        steps_allocate_nothing<float>(*cell, lengths, threads);
        steps_allocate_nothing<double>(*cell, lengths, threads);
      }
}

// The same call, once before and once after a call of the same shape that left NaN in the memory which is kept.
template <class R>
void earlier_calls_leave_nothing(const loop::Cell& cell, const Plan& plan) {
  Case<R> before(cell, plan), spoiled(cell, plan), after(cell, plan);
  const auto fill = [](auto& given, int64_t count) {
    for (int64_t i = 0; given.get() && i < count; ++i) given.get()[i] = R(NAN);
  };
  const int64_t gates = cell.gates * plan.hidden;
  fill(spoiled.w, gates * plan.inputs), fill(spoiled.r, gates * plan.hidden), fill(spoiled.b, gates);
  for (int s = 0; s < cell.parts; ++s) fill(spoiled.start[s], plan.rows * plan.hidden);
  CHECK(before.run() == 0 && before.back() == 0, "%s", cell.name);
  CHECK(spoiled.run() == 0 && spoiled.back() == 0, "%s", cell.name);
  CHECK(after.run() == 0 && after.back() == 0, "%s", cell.name);
  CHECK(before.same_bits(after), "%s has other bits after a call of NaN, seed %llu", cell.name,
        (unsigned long long)plan.seed);
}

void memory_is_clean() {
  Dice dice(99);
  for (int round = 0; round < 12; ++round)
    for (const loop::Cell* cell : kCells) {
      earlier_calls_leave_nothing<float>(*cell, checking::any_plan(dice));
      earlier_calls_leave_nothing<double>(*cell, checking::any_plan(dice));
    }
}

// The arrays of such a call would need terabytes; so does what the engine asks for, before it looks at any of them.
void too_large_is_refused() {
  for (const loop::Cell* cell : kCells) {
    Case<float> here(*cell, {1, 1, 1, 8}), after(*cell, {1, 1, 1, 8});
    CHECK(here.run() == 0 && here.back() == 0, "%s", cell->name);
    ostinato_call large = after.call;
    large.hidden = int64_t(1) << 22, large.inputs = int64_t(1) << 20;
    large.keep = here.call.keep;
    CHECK(ostinato_run(&large) == 1, "%s found terabytes", cell->name);
    CHECK(ostinato_run_back(&large, &after.gradient) == 1, "%s found terabytes on the way back", cell->name);
    CHECK(after.run() == 0 && after.back() == 0 && after.same_bits(here), "%s is not as before", cell->name);
  }
}

}  // namespace

int main() {
  count_allocations();
  const int64_t before = allocations;
  std::vector<int> some(size_t(before) % 7 + 1);
  CHECK(allocations > before && !some.empty(), "allocations are not seen");
  no_step_allocates();
  memory_is_clean();
  too_large_is_refused();
  return checking::outcome();
}
