// Threads of our own, parked between calls: a team that runs one function with a number for each member.
//
// They are never joined and hold nothing that a destructor could pull away at exit; after a fork the child starts
// afresh; while the caller computes alone none of them is awake. A program whose own workers spin between calls, as
// OpenMP's do for milliseconds, lends them instead (ostinato_lend_threads): two teams would fight for the cores.
#ifndef OSTINATO_THREADS_H
#define OSTINATO_THREADS_H

#include <stdint.h>

#include <atomic>

namespace ostinato {

// A call never asks for more, however many the machine has.
constexpr int kMostThreads = 256;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Where the members of a team wait for one another.
class Barrier {
 public:
  void set(int members) { members_ = members, waiting_.store(0), round_.store(0); }
  void wait();

 private:
  int members_ = 1;
  alignas(64) std::atomic<int> waiting_{0};
  alignas(64) std::atomic<int> round_{0};
};

// Calls work(argument, member) for members 0 .. members - 1 at once and returns when all are done. Member 0 is the caller.
// Denormal numbers count as zero meanwhile, in every member; the caller's own mode is as before afterwards. Calls from
// several threads take turns if they want more than one member. Fewer threads than asked for is never the answer: when
// none can be started, false comes back and nothing was run.
bool run_team(int members, void (*work)(void*, int), void* argument);

}  // namespace ostinato

#endif
