// Where everything lies in memory, and the instructions that work on it.
#include <algorithm>
#include <climits>
#include <cstring>

#include "stream_plan.h"

namespace ostinato {
namespace {

// What looks at the same place of each operand alone.
bool is_elementwise(int32_t kind) { return (kind >= OSTINATO_ADD && kind <= OSTINATO_SELECT) || kind >= kAddSigmoid; }

}  // namespace

Placed::Placed(const ostinato_stream_program& program, Nodes& nodes, const StreamTarget& target)
    : program_(program), nodes_(nodes), lanes_(target.lanes) {
  for (int32_t i = 0; i < program.numbers; ++i) number.push_back(take(program.number[i]));
  for (int32_t i = 0; i < program.parts; ++i) state.push_back(take(program.part[i].width));
  find_replaced();
  for (int32_t i = 0; i < int32_t(nodes.all.size()); ++i) place(i);
  replace_states();
  for (const int32_t n : nodes.output) output.push_back(nodes.all[size_t(n)].place);
  // A copy that begins within a vector reads as many numbers behind the last one.
  own += lanes_;
}

Place Placed::take(int64_t width) {
  const Place place{false, own};
  own += padded(width);
  return place;
}

Place Placed::pack(const Packed& what) {
  packed.push_back(what);
  packed.back().at = shared;
  // Each begins on a cache line.
  shared += (what.floats + 15) / 16 * 16;
  return {true, packed.back().at};
}

Place Placed::vector_of(int32_t weight, int32_t first, int32_t columns) {
  const auto known = known_.find({Packed::kVector, weight, first, columns});
  if (known != known_.end()) return known->second;
  const Place made = pack({Packed::kVector, weight, 0, columns ? padded(columns) : lanes_, first, columns, -1});
  known_[{Packed::kVector, weight, first, columns}] = made;
  return made;
}

// A new part is written over the old one where nobody reads that any more.
void Placed::find_replaced() {
  const std::vector<Node>& all = nodes_.all;
  part_of_.assign(all.size(), -1);
  std::vector<int32_t> last(size_t(program_.parts), -1), slicer(size_t(program_.parts), -1);
  const auto part_read = [&all](int32_t n) {
    const Node& node = all[size_t(n)];
    const Node& read = node.kind == OSTINATO_SLICE ? all[size_t(node.from[0])] : node;
    return read.kind == OSTINATO_STATE ? read.label : -1;
  };
  // Whoever replaces a part may be the last that reads it, if it reads it whole.
  const auto replaces = [&](int32_t index, int32_t part) { return nodes_.after[size_t(part)] == index; };
  for (int32_t i = 0; i < int32_t(all.size()); ++i)
    for (const int32_t n : all[size_t(i)].from) {
      const int32_t part = part_read(n);
      if (part < 0) continue;
      const bool whole = all[size_t(n)].kind == OSTINATO_STATE && all[size_t(n)].width == all[size_t(i)].width;
      if (!(replaces(i, part) && whole)) last[size_t(part)] = i;
    }
  for (const int32_t n : nodes_.output)
    if (part_read(n) >= 0) last[size_t(part_read(n))] = INT32_MAX;
  for (const int32_t n : nodes_.after)
    if (part_read(n) >= 0) last[size_t(part_read(n))] = INT32_MAX;
  for (int32_t part = 0; part < program_.parts; ++part) {
    const int32_t n = nodes_.after[size_t(part)];
    const Node& node = all[size_t(n)];
    if (is_elementwise(node.kind) && node.group < 0 && part_of_[size_t(n)] < 0 && last[size_t(part)] < n)
      part_of_[size_t(n)] = part;
  }
}

void Placed::place(int32_t index) {
  Node& node = nodes_.all[size_t(index)];
  switch (node.kind) {
    case -1:
      return;
    case OSTINATO_NUMBER:
      node.place = number[size_t(node.label)];
      return;
    case OSTINATO_STATE:
      node.place = state[size_t(node.label)];
      return;
    case OSTINATO_WEIGHT:
      node.place = vector_of(node.label, 0, node.width);
      return;
    case OSTINATO_CONSTANT:
      node.place = vector_of(node.label, 0, 0);
      return;
    case OSTINATO_LOOKUP_SUM:
    case OSTINATO_LOOKUP_MEAN:
    case OSTINATO_COUNT:
      return place_lookup(node);
    case OSTINATO_PRODUCT:
      return place_product(index);
    case OSTINATO_SLICE:
      return place_slice(node);
    case OSTINATO_JOIN:
      return place_join(node);
    default:
      break;
  }
  if (node.group == index) return place_group(node);
  if (node.group >= 0) return;
  const int32_t part = part_of_[size_t(index)];
  node.place = part >= 0 ? state[size_t(part)] : take(node.width);
  write(node, node.place, padded(node.width) / lanes_);
}

// An elementwise node or one along a row.
void Placed::write(const Node& node, Place to, int64_t vectors) {
  Code made;
  made.operation = node.kind, made.to = to, made.count = vectors;
  for (size_t k = 0; k < node.from.size(); ++k) {
    const Node& from = nodes_.all[size_t(node.from[k])];
    made.from[k] = from.place, made.scalar[k] = from.width == 1;
  }
  if (node.kind >= OSTINATO_ROW_SUM && node.kind <= OSTINATO_ROW_MAX)
    made.count = nodes_.all[size_t(node.from[0])].width;
  code.push_back(made);
}

// Pieces of one product lie one after another, and so do the results.
void Placed::place_group(const Node& first) {
  int64_t vectors = 0;
  for (const int32_t n : first.members) vectors += padded(nodes_.all[size_t(n)].width) / lanes_;
  const Place to = take(vectors * lanes_);
  Code made;
  made.operation = first.kind, made.to = to, made.count = vectors;
  int64_t at = 0;
  for (const int32_t n : first.members) {
    Node& node = nodes_.all[size_t(n)];
    if (at == 0) {
      int32_t product;
      const int32_t piece = nodes_.piece_of(node.from[0], &product);
      const Node& whole = nodes_.all[size_t(product)];
      made.from[0] = whole.base.moved(whole.pieces[size_t(piece)].vector * lanes_);
    }
    node.place = to.moved(at);
    at += padded(node.width);
  }
  code.push_back(made);
}

void Placed::copy(Place from, Place to, int64_t width, bool spread) {
  Code made;
  made.operation = spread ? kSpread : kCopy;
  made.from[0] = from, made.to = to, made.count = padded(width) / lanes_;
  code.push_back(made);
}

void Placed::place_slice(Node& node) {
  const Node& whole = nodes_.all[size_t(node.from[0])];
  if (whole.kind == OSTINATO_WEIGHT) {
    node.place = vector_of(whole.label, node.label, node.width);
    return;
  }
  Place from = whole.place.moved(node.label);
  if (whole.kind == OSTINATO_PRODUCT) {
    const auto piece = std::find_if(whole.pieces.begin(), whole.pieces.end(), [&node](const Piece& one) {
      return one.first <= node.label && node.label - one.first < one.width;
    });
    from = whole.base.moved(piece->vector * lanes_ + node.label - piece->first);
    if (piece->first == node.label && piece->width == node.width) {
      node.place = from;
      return;
    }
  }
  if (from.at % lanes_ == 0 && node.width > 1) {
    node.place = from;
    return;
  }
  node.place = take(node.width);
  copy(from, node.place, node.width, node.width == 1);
}

void Placed::place_join(Node& node) {
  // Each part is copied by whole vectors, and what it writes too much is written over by the next.
  node.place = take(node.width + lanes_);
  int64_t at = 0;
  for (const int32_t n : node.from) {
    const Node& from = nodes_.all[size_t(n)];
    copy(from.place, node.place.moved(at), from.width, false);
    at += from.width;
  }
}

void Placed::place_lookup(Node& node) {
  Code made;
  made.operation = node.kind, made.ids = node.label, made.width = node.width;
  if (node.kind != OSTINATO_COUNT) {
    const std::vector<int32_t> key = {Packed::kTable, node.other};
    auto known = known_.find(key);
    if (known == known_.end()) {
      const ostinato_stream_weight& table = program_.weight[node.other];
      known = known_
                  .emplace(key, pack({Packed::kTable, node.other, 0, table.rows * table.columns + lanes_, 0,
                                      int32_t(table.columns), -1}))
                  .first;
    }
    made.from[0] = known->second;
  }
  made.to = node.place = take(node.width);
  code.push_back(made);
}

void Placed::place_product(int32_t index) {
  Node& node = nodes_.all[size_t(index)];
  const int64_t depth = program_.weight[node.label].rows;
  int64_t vectors = 0;
  for (Piece& piece : node.pieces) piece.vector = vectors, vectors += padded(piece.width) / lanes_;
  Code made;
  made.operation = node.kind, made.count = depth, made.width = vectors;
  made.from[0] = nodes_.all[size_t(node.from[0])].place;
  made.from[1] = pack({Packed::kMatrix, -1, 0, depth * vectors * lanes_, 0, 0, index});
  const Place starts = pack({Packed::kStarts, -1, 0, vectors * lanes_, 0, 0, index});
  for (const Piece& piece : node.pieces) {
    Place start = starts.moved(piece.vector * lanes_);
    if (piece.after >= 0) {
      const Node& before = nodes_.all[size_t(piece.after)];
      start = before.base.moved(before.pieces[size_t(piece.after_piece)].vector * lanes_);
    } else if (node.from.size() == 2) {
      start = nodes_.all[size_t(node.from[1])].place;
    }
    for (int64_t at = 0; at < padded(piece.width); at += lanes_) made.starts.push_back(start.moved(at));
  }
  made.to = node.base = take(vectors * lanes_);
  for (const Piece& piece : node.pieces)
    if (piece.first == 0) node.place = node.base.moved(piece.vector * lanes_);
  code.push_back(made);
}

void Placed::replace_states() {
  std::vector<Code> later;
  for (int32_t part = 0; part < program_.parts; ++part) {
    const int32_t n = nodes_.after[size_t(part)];
    const Node& node = nodes_.all[size_t(n)];
    if (part_of_[size_t(n)] == part || (node.kind == OSTINATO_STATE && node.label == part)) continue;
    const int64_t width = program_.part[part].width;
    Place from = node.place;
    const Node& read = node.kind == OSTINATO_SLICE ? nodes_.all[size_t(node.from[0])] : node;
    if (read.kind == OSTINATO_STATE) {
      // Another part, which may be replaced before this one.
      const Place aside = take(width);
      copy(from, aside, width, false);
      from = aside;
    }
    copy(from, state[size_t(part)], width, false);
    later.push_back(code.back());
    code.pop_back();
  }
  outside = code.size();
  code.insert(code.end(), later.begin(), later.end());
}

}  // namespace ostinato
