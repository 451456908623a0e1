// How one call lies in memory: sizes padded to panels, the rows of each team in the order of their lengths, and one
// block of memory that is measured first and then dealt out.
#ifndef OSTINATO_LAYOUT_H
#define OSTINATO_LAYOUT_H

#include <stdint.h>

#include "ostinato.h"

namespace ostinato {

// What every part of the core knows about a call's sizes. Columns of x and of gradients lie panel by panel, gate by gate
// within a panel, vector by vector within a gate.
struct Panels {
  Panels(int64_t lanes, int64_t gates, int64_t sub, int64_t out, int64_t bytes);
  int64_t lanes, gates;
  int64_t units;      // in a panel
  int64_t panels;
  int64_t panel;      // numbers in a panel's row: G x units
  int64_t out;        // units that count
  int64_t depth;      // columns of gates, padding included
  int64_t gate_row;   // distance of rows of gates: never a multiple of the cache's own period
  // The column of a gate's unit.
  int64_t column(int64_t gate, int64_t unit) const {
    return unit / units * panel + gate * units + unit % units;
  }
};

struct Shape : Panels {
  explicit Shape(const ostinato_call& call);
  int64_t width;      // of a row of states: H padded to panels
  int64_t vectors;    // of units that hold any of the H
  int64_t keep_row;
};

// A group of products inside a step: panels of its matrices, and how much each of them sums up.
struct Group : Panels {
  Group(const ostinato_call& call, int group);
  int first;          // of its matrices, in the kernel's list
  bool shown;         // whether it multiplies the shown part as it was before the step
  int64_t sums;       // H, or P where the shown part is multiplied
};

// Deals out pieces of one block, each beginning on a cache line. Without a block it only counts.
class Block {
 public:
  explicit Block(char* begin) : begin_(begin) {}
  template <class T>
  T* take(int64_t count) {
    T* piece = begin_ ? reinterpret_cast<T*>(begin_ + used_) : nullptr;
    used_ += (count * int64_t(sizeof(T)) + 63) / 64 * 64;
    return piece;
  }
  int64_t used() const { return used_; }

 private:
  char* begin_;
  int64_t used_ = 0;
};

// Memory of one call; kept for the next call when it is given back, because fresh pages are slow. Null when there is none.
char* borrow(int64_t bytes);
void give_back(char* memory);

// Threads that share rows are a team: a team of one has all units, the members of a larger one have some units each, or
// leave the steps to the first of them.
struct Team {
  int64_t rows;         // that it has, the longest first
  int64_t* order;       // [rows]: their places in the batch
  int64_t* length;      // [rows]
  int64_t* active;      // [T + 1]: rows that have a step s
  int64_t* offset;      // [T + 1]: steps of all rows before step s
  int64_t* begin;       // [rows]: steps of all rows of the batch before this one
};

struct Split {
  int threads, teams, members;
  int64_t longest;      // of all sequences
  int64_t steps;        // of all sequences together
  bool alone;           // the first member takes all steps, the others help with the products around them
};

// How a call is shared out: it follows from its shapes, lengths and thread limit alone.
Split split_of(const ostinato_call& call);

// The rows of each team; `teams` and what they point to come from the block.
Team* teams_of(const ostinato_call& call, const Split& split, Block& block);

inline int64_t length_of(const ostinato_call& call, int64_t row) {
  return call.lengths ? call.lengths[row] : call.steps;
}

// The place in time of a row's step s.
inline int64_t time_of(const ostinato_call& call, int64_t length, int64_t s) {
  return call.reverse ? length - 1 - s : s;
}

// Whether a row starts its step s from the zero state; s = length asks for the state after the last step.
inline bool begins_anew(const ostinato_call& call, int64_t row, int64_t length, int64_t s) {
  if (!call.reset) return false;
  const uint8_t* reset = call.reset + row * call.steps;
  if (call.reverse) return s > 0 && reset[length - s] != 0;
  return s < length && reset[s] != 0;
}

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// The part of `count` things that belongs to one of `parts`, in multiples of `unit`.
struct Part {
  int64_t first, last;
};
inline Part part_of(int64_t count, int64_t part, int64_t parts, int64_t unit = 1) {
  const int64_t blocks = (count + unit - 1) / unit;
  return {least(blocks * part / parts * unit, count), least(blocks * (part + 1) / parts * unit, count)};
}

// The products of the target in use, for numbers of so many bytes.
const ostinato_product* products_of(int64_t bytes);

}  // namespace ostinato

#endif
