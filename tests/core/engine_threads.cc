// The engine and threads: its own, lent ones, those of a program that calls it from many, and those that a fork loses.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "case.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using checking::Case;
using checking::Plan;

namespace {

// Enough work for three threads, by rows and by units.
constexpr Plan kByRows{6, 20, 9, 60, 3};
constexpr Plan kByUnits{1, 9, 9, 200, 3};

template <class R>
void run(Case<R>& here) {
  CHECK(here.run() == 0 && here.back() == 0, "%s", here.problem.cell->name);
}

void repeated_calls_have_the_same_bits() {
  for (const loop::Cell* cell : {&loop::lstm, &loop::gru})
    for (const Plan& plan : {kByRows, kByUnits}) {
      Case<float> first(*cell, plan);
      run(first);
      for (int again = 0; again < 10; ++again) {
        Case<float> here(*cell, plan);
        run(here);
        CHECK(here.same_bits(first), "%s, time %d", cell->name, again);
      }
    }
}

void many_callers() {
  Case<float> rows(loop::gru, kByRows), units(loop::lstm, kByUnits);
  run(rows), run(units);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int k = 0; k < 8; ++k)
    callers.emplace_back([&, k] {
      for (int again = 0; again < 3; ++again) {
        Case<float> here(k % 2 ? loop::gru : loop::lstm, k % 2 ? kByRows : kByUnits);
        if (here.run() || here.back() || !here.same_bits(k % 2 ? rows : units)) ++wrong;
      }
    });
  for (std::thread& each : callers) each.join();
  CHECK(wrong == 0, "%d of 24 calls from 8 threads at once", wrong.load());
}

// Fork, compute the same in the child, and once more here.
void forked(const char* when) {
  Case<float> first(loop::lstm, kByUnits);
  run(first);
  const pid_t child = fork();
  Case<float> here(loop::lstm, kByUnits);
  const bool same = here.run() == 0 && here.back() == 0 && here.same_bits(first);
  if (child == 0) _exit(same ? 0 : 1);
  CHECK(same, "after a fork %s", when);
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
        "the child of a fork %s ended with %d", when, status);
}

void forks() {
  forked("between calls");
  std::atomic<bool> going{true};
  std::thread busy([&] {
    Case<float> here(loop::gru, kByRows);
    while (going) run(here);
  });
  for (int again = 0; again < 5; ++again) forked("while another thread calls");
  going = false;
  busy.join();
}

// Lenders of threads --------------------------------------------------------------------------------------------------

std::atomic<int> asked{0}, most_members{0};

int32_t lend(int32_t members, void (*work)(void*, int32_t), void* argument) {
  ++asked;
  if (members > most_members) most_members = members;
  std::vector<std::thread> team;
  for (int32_t k = 0; k < members; ++k) team.emplace_back(work, argument, k);
  for (std::thread& each : team) each.join();
  return 1;
}

int32_t refuse(int32_t, void (*)(void*, int32_t), void*) {
  ++asked;
  return 0;
}

// An OpenMP runtime: as many threads as it is asked for, or one fewer.
thread_local int number = 0;
std::atomic<int> running{0}, missing{0};

void parallel(void (*work)(void*), void* argument, unsigned threads, unsigned) {
  ++asked;
  running = int(threads) - missing;
  std::vector<std::thread> team;
  for (int k = 0; k < running; ++k)
    team.emplace_back([=] {
      number = k;
      work(argument);
    });
  for (std::thread& each : team) each.join();
}
int thread_number() { return number; }
int thread_count() { return running; }

void with_lent(const char* who) {
  for (const Plan& plan : {kByRows, kByUnits}) {
    ostinato_lend_threads(nullptr);
    Case<float> own(loop::lstm, plan);
    run(own);
    if (std::strcmp(who, "a lender") == 0) ostinato_lend_threads(lend);
    if (std::strcmp(who, "a refuser") == 0) ostinato_lend_threads(refuse);
    if (std::strcmp(who, "OpenMP") == 0)
      ostinato_lend_openmp(reinterpret_cast<void*>(parallel), reinterpret_cast<void*>(thread_number),
                           reinterpret_cast<void*>(thread_count));
    asked = 0;
    Case<float> lent(loop::lstm, plan);
    run(lent);
    CHECK(asked == 2, "%s is asked %d times", who, asked.load());
    CHECK(lent.same_bits(own), "%s changes bits", who);
    Case<float> alone(loop::lstm, {1, 2, 3, 4, 4});
    run(alone);
    CHECK(asked == 2, "%s is asked though there is nothing to share", who);
  }
  ostinato_lend_threads(nullptr);
}

void lenders() {
  with_lent("a lender");
  with_lent("a refuser");
  with_lent("OpenMP");
  missing = 1;
  with_lent("OpenMP");
  missing = 0;
  // A runtime of which something is missing lends nothing.
  ostinato_lend_openmp(reinterpret_cast<void*>(parallel), nullptr, reinterpret_cast<void*>(thread_count));
  asked = 0;
  Case<float> own(loop::lstm, kByRows);
  run(own);
  CHECK(asked == 0, "half a runtime is called");
}

void a_fork_takes_the_offer_back() {
  ostinato_lend_threads(lend);
  Case<float> first(loop::lstm, kByRows);
  run(first);
  asked = 0;
  const pid_t child = fork();
  Case<float> here(loop::lstm, kByRows);
  const bool same = here.run() == 0 && here.back() == 0 && here.same_bits(first);
  if (child == 0) _exit(same && asked == 0 ? 0 : 1);
  CHECK(same && asked == 2, "the parent asked %d times", asked.load());
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0, "the child of a fork ended with %d", status);
  ostinato_lend_threads(nullptr);
}

// More threads than the library would ever start.
void a_machine_of_a_thousand_cores() {
  ostinato_lend_threads(lend);
  most_members = 0;
  Case<float> here(loop::elman, {300, 48, 64, 64, 1000});
  CHECK(here.infer() == 0, "a call that may use a thousand threads");
  CHECK(most_members == 256, "%d members", most_members.load());
  ostinato_lend_threads(nullptr);
}

// What the caller's processor does with denormal numbers --------------------------------------------------------------

uint64_t mode_now() {
#if defined(__x86_64__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
#else
  return 0;
#endif
}

#if defined(__x86_64__) || defined(__aarch64__)
// Denormal numbers count as zero inside, on every thread, and as before when the call is done.
void denormals_are_zero_inside(int threads, bool lent) {
  if (lent) ostinato_lend_threads(lend);
  Case<float> here(loop::elman_relu, {64, 20, 40, 40, threads});
  for (int64_t i = 0; i < 40; ++i) here.b.get()[i] = 1e-40f;
  for (int64_t i = 0; i < 40 * 40; ++i) here.w.get()[i] = here.r.get()[i] = 0;
  here.call.br = nullptr;
  for (int64_t i = 0; i < 64 * 40; ++i) here.start[0].get()[i] = 0;
  const uint64_t before = mode_now();
  run(here);
  CHECK(mode_now() == before, "the mode was %llx and is %llx", (unsigned long long)before,
        (unsigned long long)mode_now());
  volatile float least = 1e-38f;
  CHECK(least / 100 > 0, "denormal numbers are gone outside");
  int found = 0;
  for (int64_t i = 0; i < 64 * 20 * 40; ++i) found += here.y.get()[i] != 0;
  CHECK(found == 0, "%d numbers are not flushed on %d threads", found, threads);
  ostinato_lend_threads(nullptr);
}
#endif

void modes() {
#if defined(__x86_64__) || defined(__aarch64__)
  denormals_are_zero_inside(1, false);
  denormals_are_zero_inside(3, false);
  denormals_are_zero_inside(3, true);
#endif
#if defined(__x86_64__)
  // Whoever rounds upward or flushes already finds that again.
  for (const unsigned mode : {0x5f80u, 0x9fc0u}) {
    const unsigned before = _mm_getcsr();
    _mm_setcsr(mode);
    Case<float> here(loop::gru, kByRows);
    run(here);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    CHECK((after & ~0x3fu) == (mode & ~0x3fu), "the mode was %x and is %x", mode, after);
  }
#endif
}

}  // namespace

// Forks come by themselves, with the word "fork": emulators do not survive them.
int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "fork") == 0) {
    forks();
    a_fork_takes_the_offer_back();
    return checking::outcome();
  }
  repeated_calls_have_the_same_bits();
  many_callers();
  lenders();
  a_machine_of_a_thousand_cores();
  modes();
  return checking::outcome();
}
