#include "threads.h"

#include <pthread.h>
#include <signal.h>
#include <sched.h>

#include <new>

#include "denormals.h"
#include "ostinato.h"

namespace ostinato {
namespace {

constexpr uint64_t kMembers = 0xffff;
// About 20 microseconds: as long as the pause between the way forward and the way back of a small model.
constexpr int kSpins = 600;
// After so many looks at a barrier a member lets others run, in case there are fewer cores than members.
constexpr int kPatience = 4000;

// All that the threads share. Allocated once and never freed, so that nothing is torn down under a parked thread.
struct Pool {
  pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;   // held by the call that has the threads
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;   // guards the conditions below
  pthread_cond_t called = PTHREAD_COND_INITIALIZER;
  pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
  int threads = 0;
  // The number of the call, and in the low bits its members: one word, so that a late worker never mixes two calls.
  std::atomic<uint64_t> call{0};
  std::atomic<int> busy{0};
  int parked = 0;
  bool caller_parked = false;
  void (*work)(void*, int) = nullptr;
  void* argument = nullptr;
};

struct Worker {
  Pool* pool;
  int member;
  uint64_t seen;
};

std::atomic<Pool*> shared_pool{nullptr};

using Lent = int32_t (*)(int32_t, void (*)(void*, int32_t), void*);
std::atomic<Lent> lent_threads{nullptr};

// The work of a member on a thread of somebody else's.
struct Errand {
  void (*work)(void*, int);
  void* argument;
  static void run(void* self, int32_t member) {
    FlushDenormals mode;
    static_cast<Errand*>(self)->work(static_cast<Errand*>(self)->argument, member);
  }
};

// In the child of a fork there are no workers, ours or lent, and a lock may be held for ever: it starts anew.
void forget_threads() {
  shared_pool.store(nullptr);
  lent_threads.store(nullptr);
}

void mind_forks() {
  static std::atomic<bool> minded{false};
  if (!minded.exchange(true)) pthread_atfork(nullptr, nullptr, forget_threads);
}

Pool* pool_now() {
  Pool* pool = shared_pool.load(std::memory_order_acquire);
  if (pool) return pool;
  Pool* made = new (std::nothrow) Pool;
  if (!made) return nullptr;
  mind_forks();
  if (shared_pool.compare_exchange_strong(pool, made)) return made;
  delete made;
  return pool;
}

void await_call(Worker& me) {
  Pool& pool = *me.pool;
  for (int spin = 0; spin < kSpins; ++spin) {
    if (pool.call.load(std::memory_order_acquire) != me.seen) return;
    pause();
  }
  pthread_mutex_lock(&pool.gate);
  while (pool.call.load(std::memory_order_acquire) == me.seen) {
    ++pool.parked;
    pthread_cond_wait(&pool.called, &pool.gate);
    --pool.parked;
  }
  pthread_mutex_unlock(&pool.gate);
}

void* live(void* given) {
  Worker me = *static_cast<Worker*>(given);
  delete static_cast<Worker*>(given);
  FlushDenormals mode;
  Pool& pool = *me.pool;
  for (;;) {
    await_call(me);
    me.seen = pool.call.load(std::memory_order_acquire);
    if (me.member >= int(me.seen & kMembers)) continue;
    pool.work(pool.argument, me.member);
    if (pool.busy.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      pthread_mutex_lock(&pool.gate);
      if (pool.caller_parked) pthread_cond_signal(&pool.finished);
      pthread_mutex_unlock(&pool.gate);
    }
  }
  return nullptr;
}

bool enough_threads(Pool& pool, int members) {
  while (pool.threads < members - 1) {
    Worker* worker = new (std::nothrow) Worker{&pool, pool.threads + 1, pool.call.load()};
    if (!worker) return false;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    // Signals belong to the threads of the program, Ctrl-C above all.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread, &attributes, live, worker);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (failed) {
      delete worker;
      return false;
    }
    ++pool.threads;
  }
  return true;
}

void await_members(Pool& pool) {
  for (int spin = 0; spin < kPatience; ++spin) {
    if (pool.busy.load(std::memory_order_acquire) == 0) return;
    pause();
  }
  pthread_mutex_lock(&pool.gate);
  pool.caller_parked = true;
  while (pool.busy.load(std::memory_order_acquire) != 0) pthread_cond_wait(&pool.finished, &pool.gate);
  pool.caller_parked = false;
  pthread_mutex_unlock(&pool.gate);
}

}  // namespace

void Barrier::wait() {
  if (members_ <= 1) return;
  const int round = round_.load(std::memory_order_acquire);
  if (waiting_.fetch_add(1, std::memory_order_acq_rel) == members_ - 1) {
    waiting_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    return;
  }
  for (int spin = 0; round_.load(std::memory_order_acquire) == round; ++spin) {
    if (spin < kPatience) {
      pause();
    } else {
      sched_yield();
    }
  }
}

bool run_team(int members, void (*work)(void*, int), void* argument) {
  if (members <= 1) {
    FlushDenormals mode;
    work(argument, 0);
    return true;
  }
  Lent lent = lent_threads.load(std::memory_order_acquire);
  Errand errand{work, argument};
  if (lent && lent(members, Errand::run, &errand)) return true;
  Pool* pool = members > kMostThreads ? nullptr : pool_now();
  if (!pool) return false;
  pthread_mutex_lock(&pool->turn);
  if (!enough_threads(*pool, members)) {
    pthread_mutex_unlock(&pool->turn);
    return false;
  }
  pool->work = work;
  pool->argument = argument;
  pool->busy.store(members - 1, std::memory_order_relaxed);
  pthread_mutex_lock(&pool->gate);
  pool->call.store(((pool->call.load(std::memory_order_relaxed) | kMembers) + 1) | uint64_t(members),
                   std::memory_order_release);
  if (pool->parked > 0) pthread_cond_broadcast(&pool->called);
  pthread_mutex_unlock(&pool->gate);
  {
    FlushDenormals mode;
    work(argument, 0);
  }
  await_members(*pool);
  pthread_mutex_unlock(&pool->turn);
  return true;
}

}  // namespace ostinato

extern "C" void ostinato_lend_threads(ostinato_threads run) {
  ostinato::mind_forks();
  ostinato::lent_threads.store(run, std::memory_order_release);
}
