// The threads of an OpenMP runtime that the program has loaded anyway, called through addresses: nothing is linked.
#include <atomic>

#include "ostinato.h"

namespace {

using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
using Number = int (*)();

std::atomic<Parallel> parallel{nullptr};
std::atomic<Number> thread_number{nullptr}, thread_count{nullptr};

struct Region {
  int32_t members;
  void (*work)(void*, int32_t);
  void* argument;
  std::atomic<int32_t> refused{0};
};

// Members wait for one another, so that fewer threads than asked for must not even begin.
void enter(void* given) {
  Region& region = *static_cast<Region*>(given);
  if (thread_count.load()() != region.members) {
    region.refused.store(1);
    return;
  }
  region.work(region.argument, thread_number.load()());
}

int32_t run(int32_t members, void (*work)(void*, int32_t), void* argument) {
  Region region{members, work, argument};
  parallel.load()(enter, &region, unsigned(members), 0);
  return region.refused.load() == 0;
}

}  // namespace

extern "C" void ostinato_lend_openmp(void* start, void* number, void* count) {
  if (!start || !number || !count) return;
  thread_number.store(reinterpret_cast<Number>(number));
  thread_count.store(reinterpret_cast<Number>(count));
  parallel.store(reinterpret_cast<Parallel>(start));
  ostinato_lend_threads(run);
}
