// Counts what is allocated, by anybody and in any way. Included by one file of a program: it takes the place of malloc.
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace checking {
inline std::atomic<int64_t> allocations{0};
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// A sanitizer has an allocator of its own and tells what it does. It is to refuse what it cannot give, as any other.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, size_t), void (*)(const volatile void*));
const char* __asan_default_options();
const char* __tsan_default_options();
const char* __asan_default_options() { return "allocator_may_return_null=1"; }
const char* __tsan_default_options() { return "allocator_may_return_null=1"; }
}
inline void count_allocations() {
  __sanitizer_install_malloc_and_free_hooks([](const volatile void*, size_t) { ++checking::allocations; },
                                            [](const volatile void*) {});
}

#else

inline void count_allocations() {}

// Memory in powers of two, full of NaN each time that it is dealt out: who reads what he did not write will see.
namespace {
constexpr size_t kArena = size_t(512) << 20, kHead = 64;
alignas(64) unsigned char arena[kArena];
size_t arena_used = 0;
struct Piece {
  size_t bytes, power;
  Piece* next;
};
Piece* returned[64];
std::atomic_flag arena_taken = ATOMIC_FLAG_INIT;

void* deal(size_t alignment, size_t bytes) {
  ++checking::allocations;
  if (alignment > kHead || bytes > kArena / 2) return nullptr;
  size_t power = 7;
  while (bytes + kHead > size_t(1) << power) ++power;
  while (arena_taken.test_and_set()) {
  }
  Piece* piece = returned[power];
  if (piece) {
    returned[power] = piece->next;
  } else if (arena_used + (size_t(1) << power) <= kArena) {
    piece = reinterpret_cast<Piece*>(arena + arena_used);
    arena_used += size_t(1) << power;
  }
  arena_taken.clear();
  if (!piece) return nullptr;
  *piece = {bytes, power, nullptr};
  return std::memset(reinterpret_cast<unsigned char*>(piece) + kHead, 0xff, bytes);
}
Piece* piece_of(void* memory) { return reinterpret_cast<Piece*>(static_cast<unsigned char*>(memory) - kHead); }
}  // namespace

extern "C" {
void* malloc(size_t bytes) noexcept { return deal(16, bytes); }
void free(void* memory) noexcept {
  if (!memory) return;
  Piece* piece = piece_of(memory);
  while (arena_taken.test_and_set()) {
  }
  piece->next = returned[piece->power];
  returned[piece->power] = piece;
  arena_taken.clear();
}
void* calloc(size_t count, size_t bytes) noexcept {
  void* made = deal(16, count * bytes);
  return made ? std::memset(made, 0, count * bytes) : nullptr;
}
void* realloc(void* old, size_t bytes) noexcept {
  void* made = deal(16, bytes);
  if (!made || !old) return made;
  const size_t before = piece_of(old)->bytes;
  std::memcpy(made, old, before < bytes ? before : bytes);
  free(old);
  return made;
}
void* memalign(size_t alignment, size_t bytes) noexcept { return deal(alignment, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) noexcept { return deal(alignment, bytes); }
int posix_memalign(void** made, size_t alignment, size_t bytes) noexcept {
  *made = deal(alignment, bytes);
  return *made ? 0 : ENOMEM;
}
}

#endif

#endif
