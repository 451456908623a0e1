// Numbers made from a seed, and the memory that a call reads and writes, between zones that nobody may touch.
#ifndef MEMORY_H
#define MEMORY_H

#include <memory>
#include <vector>

#include "checking.h"

namespace checking {

// The same numbers on every machine (xorshift64*).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12, state_ ^= state_ << 25, state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  int64_t below(int64_t end) { return int64_t(next() >> 33) % end; }
  bool once_in(int64_t count) { return below(count) == 0; }
  double number() { return double(next() >> 11) * 0x1p-52 - 1; }

 private:
  uint64_t state_;
};

// What is read. It ends where the allocation ends, so that the address sanitizer sees a look beyond it.
template <class R>
class Given {
 public:
  Given() = default;
  Given(int64_t count, int64_t shift) : all_(new R[size_t(count + shift)]), shift_(shift) {}
  R* get() const { return all_ ? all_.get() + shift_ : nullptr; }
  void copy(const std::vector<double>& from) {
    for (size_t i = 0; i < from.size(); ++i) get()[i] = R(from[i]);
  }

 private:
  std::unique_ptr<R[]> all_;
  int64_t shift_ = 0;
};

// What is written. Only places that were promised may change, and all of them must.
template <class R>
class Written {
 public:
  void make(int64_t count, int64_t shift) {
    all_.resize(size_t(count + shift + 2 * kGuard));
    promised_.assign(all_.size(), false);
    std::memset(all_.data(), kCanary, all_.size() * sizeof(R));
    begin_ = kGuard + shift;
  }
  R* get() { return all_.empty() ? nullptr : all_.data() + begin_; }
  void promise(int64_t at) {
    promised_[size_t(begin_ + at)] = true;
    get()[at] = R(NAN);
  }
  void promise_all(int64_t count) {
    for (int64_t i = 0; i < count; ++i) promise(i);
  }
  void check_guards(const char* what) const {
    R untouched;
    std::memset(&untouched, kCanary, sizeof(R));
    for (size_t i = 0; i < all_.size(); ++i)
      if (!promised_[i])
        CHECK(std::memcmp(&all_[i], &untouched, sizeof(R)) == 0, "%s is written at %lld of %lld", what,
              (long long)(int64_t(i) - begin_), (long long)(int64_t(all_.size()) - 2 * kGuard));
  }
  const std::vector<R>& all() const { return all_; }
  // Where the first place stands in all of them.
  int64_t begin() const { return begin_; }

 private:
  static constexpr int64_t kGuard = 40;
  static constexpr int kCanary = 0xa5;
  std::vector<R> all_;
  std::vector<bool> promised_;
  int64_t begin_ = 0;
};

}  // namespace checking

#endif
