// Which CPU target is in use: the best one that this machine runs, found once, or the one that OSTINATO_TARGET names.
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <chrono>

#include "layout.h"
#include "target.h"
#include "threads.h"

namespace ostinato {

#if defined(__x86_64__)
extern const Target target_baseline, target_avx2, target_avx512;
#elif defined(__aarch64__)
extern const Target target_neon;
#else
extern const Target target_baseline;
#endif

namespace {

const Target* const kTargets[] = {
#if defined(__x86_64__)
    &target_baseline, &target_avx2, &target_avx512,
#elif defined(__aarch64__)
    &target_neon,
#else
    &target_baseline,
#endif
};
constexpr int32_t kCount = int32_t(sizeof(kTargets) / sizeof(kTargets[0]));

bool runs(int32_t index) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (index == 1) return avx2;
  if (index == 2)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
  return index >= 0 && index < kCount;
}

int32_t best() {
  const char* asked = getenv("OSTINATO_TARGET");
  for (int32_t index = 0; asked && index < kCount; ++index)
    if (strcmp(kTargets[index]->name, asked) == 0 && runs(index)) return index;
  int32_t last = kCount - 1;
  while (last > 0 && !runs(last)) --last;
  return last;
}

std::atomic<int32_t>& now() {
  static std::atomic<int32_t> index{best()};
  return index;
}

struct Rounds {
  const Target* target;
  int64_t count;
};

}  // namespace

const Target& target_now() { return *kTargets[now().load(std::memory_order_relaxed)]; }

const ostinato_product* products_of(int64_t bytes) {
  return bytes == 4 ? target_now().products32 : target_now().products64;
}

}  // namespace ostinato

using namespace ostinato;

extern "C" int32_t ostinato_target_count(void) { return kCount; }

extern "C" const char* ostinato_target_name(int32_t index) {
  return index >= 0 && index < kCount ? kTargets[index]->name : nullptr;
}

extern "C" const char* ostinato_target_flags(int32_t index) {
  return index >= 0 && index < kCount ? kTargets[index]->flags : nullptr;
}

extern "C" int32_t ostinato_target_runs(int32_t index) { return runs(index); }

extern "C" int32_t ostinato_target_now(void) { return now().load(); }

extern "C" int32_t ostinato_target_choose(int32_t index) {
  if (!runs(index)) return 0;
  now().store(index);
  return 1;
}

extern "C" const ostinato_kernel* ostinato_kernel_at(int32_t index, int32_t bytes) {
  const ostinato_cell* cell = ostinato_cell_at(index);
  const Target& target = target_now();
  for (int32_t k = 0; cell && k < target.kernels; ++k)
    if (strcmp(target.names[k], cell->name) == 0)
      return bytes == 4 ? target.kernels32[k] : bytes == 8 ? target.kernels64[k] : nullptr;
  return nullptr;
}

extern "C" const char* ostinato_refusal(const ostinato_call* call) {
  const ostinato_kernel* kernel = call->kernel;
  if (!kernel) return "there is no kernel";
  if (kernel->abi != OSTINATO_ABI) return "the kernel was compiled for another version of the core";
  const int32_t lanes = target_now().kernels32[0]->lanes * 4 / kernel->bytes;
  if (kernel->lanes != lanes) return "the kernel was compiled for another CPU target";
  if (kernel->gates * kernel->sub > kMostVectors) return "the kernel has more gates than the core multiplies at once";
  if (kernel->parts > OSTINATO_MOST || kernel->parameters > OSTINATO_MOST || kernel->given > OSTINATO_MOST ||
      kernel->matrices > OSTINATO_MOST || kernel->groups > OSTINATO_MOST)
    return "the kernel has more parts, parameters, matrices or given values than the core takes";
  return nullptr;
}

extern "C" double ostinato_roof(int32_t threads) {
  Rounds rounds{&target_now(), 20000000};
  const auto begin = std::chrono::steady_clock::now();
  run_team(threads, [](void* given, int) {
    float result[16] = {};
    static_cast<Rounds*>(given)->target->add_up(static_cast<Rounds*>(given)->count, result);
  }, &rounds);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return double(rounds.count) * double(rounds.target->operations) * threads / taken.count() / 1e9;
}
