// From a program to a model, in parts that each have a file: stream_check.cc refuses what is no program, stream_cut.cc
// and stream_fold.cc make fewer and larger nodes of it, stream_place.cc finds memory and writes instructions,
// stream_pack.cc lays out the weights.
#ifndef OSTINATO_STREAM_PLAN_H
#define OSTINATO_STREAM_PLAN_H

#include <stdint.h>

#include <map>
#include <vector>

#include "stream.h"

namespace ostinato {

// More than that is refused before any memory is asked for.
constexpr int32_t kMostValues = 1 << 16;
constexpr int32_t kMostArguments = 1 << 20;
constexpr int32_t kMostPieces = 1 << 12;
constexpr int32_t kMostWidth = 1 << 24;
constexpr int64_t kMostNumbers = int64_t(1) << 26;  // of one stream

// What an output or a new part of the state counts among the readers of a value: more than a program can have.
constexpr int64_t kUsedOutside = 4 * int64_t(kMostArguments);

// True, or false with the reason in `why`.
bool checked(const ostinato_stream_program& program, char* why);

// A number of the model's weights (shared) or of a stream's own block.
struct Place {
  bool shared = false;
  int64_t at = -1;
  Place moved(int64_t by) const { return {shared, at + by}; }
};

// Some columns of a product, padded to whole vectors on their own, so that a slice of it is a place within it.
struct Piece {
  int32_t first, width;
  int32_t weight, column;  // what it multiplies with, and from which column on
  // Where it begins: a piece of an earlier product, or the sum of weights' parts (none: zeros).
  int32_t after = -1, after_piece = -1;
  struct Part {
    int32_t weight, first;
  };
  std::vector<Part> parts = {};
  int64_t vector = 0;  // of the product
};

struct Node {
  int32_t kind = -1;  // a kind or an operation; -1: gone
  int32_t width = 0, label = 0, other = 0;
  std::vector<int32_t> from;
  int64_t uses = 0;
  std::vector<Piece> pieces;     // of a product
  int32_t columns = 0;           // of all of them, and of those that are nobody's
  int32_t group = -1;            // the first of those that run as one
  std::vector<int32_t> members;  // of such a group, in their order in memory
  Place place;
  Place base;  // of a product: where its first vector is
};

// The nodes of a program, in an order in which each comes after what it reads.
struct Nodes {
  explicit Nodes(const ostinato_stream_program& program);
  std::vector<Node> all;
  std::vector<int32_t> output, after;  // nodes
  // The product and the piece that a node is, or -1.
  int32_t piece_of(int32_t node, int32_t* product) const;

 private:
  struct Cuts;
  static int32_t weight_of(const std::vector<Node>& nodes, int32_t index, int32_t* first);
  void count();
  void cut();
  void fold();
  void unite();
  void fuse(int32_t index);
  void order_pieces();
  void gather();
  bool once(int32_t node, int32_t kind) const { return all[size_t(node)].kind == kind && all[size_t(node)].uses == 1; }
};

// An instruction before its operands are pointers.
struct Code {
  int32_t operation;
  Place from[4], to;
  std::vector<Place> starts;
  int32_t ids = -1;
  int64_t count = 0, width = 0;
  bool scalar[4] = {false, false, false, false};
};

// What stands in the shared block, and where.
struct Packed {
  enum { kVector, kTable, kMatrix, kStarts } what;
  int32_t weight;  // or the bits of a constant, if there are no columns
  int64_t at, floats;
  int32_t first, columns;
  int32_t product;  // a node, or -1
};

struct Placed {
  Placed(const ostinato_stream_program& program, Nodes& nodes, const StreamTarget& target);
  std::vector<Code> code;
  size_t outside = 0;  // instructions from here on run after the outputs were read
  std::vector<Packed> packed;
  int64_t shared = 0, own = 0;  // floats
  std::vector<Place> number, state, output;

 private:
  int64_t padded(int64_t width) const { return (width + lanes_ - 1) / lanes_ * lanes_; }
  Place take(int64_t width);
  Place pack(const Packed& what);
  Place vector_of(int32_t weight, int32_t first, int32_t columns);
  void find_replaced();
  void place(int32_t index);
  void place_slice(Node& node);
  void place_join(Node& node);
  void place_product(int32_t index);
  void place_lookup(Node& node);
  void place_group(const Node& first);
  void write(const Node& node, Place to, int64_t vectors);
  void copy(Place from, Place to, int64_t width, bool spread);
  void replace_states();
  const ostinato_stream_program& program_;
  Nodes& nodes_;
  int64_t lanes_;
  std::vector<int32_t> part_of_;  // of each node: the part whose place it gets, or -1
  std::map<std::vector<int32_t>, Place> known_;
};

// Fill the shared block.
void fill(const ostinato_stream_program& program, const Nodes& nodes, const StreamTarget& target, const Packed& what,
          float* block);

}  // namespace ostinato

#endif
