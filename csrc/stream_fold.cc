// Fewer and larger nodes: a product's columns are cut where they are sliced, sums of two products become one product
// that goes on from the other, and chains of elementwise operations become one. Nothing here reads memory of the
// program but its lists.
#include <algorithm>
#include <map>
#include <utility>

#include "stream_plan.h"

namespace ostinato {
namespace {

bool is_unary(int32_t kind) { return kind >= OSTINATO_NEGATE && kind <= OSTINATO_COS; }

}  // namespace

Nodes::Nodes(const ostinato_stream_program& program) {
  std::vector<int32_t> node(size_t(program.values));
  std::map<std::pair<std::pair<int32_t, int32_t>, int32_t>, int32_t> slices;
  for (int32_t i = 0; i < program.values; ++i) {
    const ostinato_stream_value& v = program.value[i];
    Node made;
    made.kind = v.kind, made.width = v.width, made.label = v.label, made.other = v.other;
    for (int32_t k = 0; k < v.count; ++k) made.from.push_back(node[size_t(program.argument[v.first + k])]);
    if (v.kind == OSTINATO_SLICE && all[size_t(made.from[0])].kind == OSTINATO_SLICE) {
      // Places within a slice are places of what it was cut from.
      const Node& whole = all[size_t(made.from[0])];
      made.label += whole.label, made.from = whole.from;
    }
    const bool itself = v.kind == OSTINATO_SLICE ? made.width == all[size_t(made.from[0])].width
                                                 : v.kind == OSTINATO_JOIN && made.from.size() == 1;
    int32_t found = itself ? made.from[0] : int32_t(all.size());
    if (!itself && v.kind == OSTINATO_SLICE) {
      const auto known = slices.emplace(std::make_pair(std::make_pair(made.from[0], made.label), made.width), found);
      found = known.first->second;
    }
    node[size_t(i)] = found;
    if (found == int32_t(all.size())) all.push_back(std::move(made));
  }
  for (int32_t i = 0; i < program.outputs; ++i) output.push_back(node[size_t(program.output[i])]);
  for (int32_t i = 0; i < program.parts; ++i) after.push_back(node[size_t(program.part[i].after)]);
  count();
  cut();
  fold();
  count();
  unite();
  count();
  for (int32_t i = 0; i < int32_t(all.size()); ++i) fuse(i);
  count();
  order_pieces();
  gather();
}

// Who reads each node; those that nobody reads are gone.
void Nodes::count() {
  for (Node& node : all) node.uses = 0;
  for (const int32_t n : output) all[size_t(n)].uses += kUsedOutside;
  for (const int32_t n : after) all[size_t(n)].uses += kUsedOutside;
  for (size_t i = all.size(); i-- > 0;) {
    Node& node = all[i];
    if (node.uses == 0) {
      node.kind = -1, node.from.clear();
      continue;
    }
    for (const int32_t n : node.from) ++all[size_t(n)].uses;
    for (const Piece& piece : node.pieces)
      if (piece.after >= 0) ++all[size_t(piece.after)].uses;
  }
}

int32_t Nodes::piece_of(int32_t index, int32_t* product) const {
  const Node& node = all[size_t(index)];
  const bool slice = node.kind == OSTINATO_SLICE;
  *product = slice ? node.from[0] : index;
  const Node& whole = all[size_t(*product)];
  if (whole.kind != OSTINATO_PRODUCT) return -1;
  const int32_t first = slice ? node.label : 0;
  const auto found =
      std::find_if(whole.pieces.begin(), whole.pieces.end(), [&](const Piece& piece) { return piece.first == first; });
  return found != whole.pieces.end() && found->width == node.width ? int32_t(found - whole.pieces.begin()) : -1;
}

// p + q with two products: the later one begins where the earlier one ends.
void Nodes::fold() {
  for (Node& node : all) {
    if (node.kind != OSTINATO_ADD) continue;
    int32_t early = 0, late = 0, first = node.from[0], second = node.from[1];
    int32_t one = piece_of(first, &early), two = piece_of(second, &late);
    if (one < 0 || two < 0 || early == late || all[size_t(first)].uses != 1 || all[size_t(second)].uses != 1) continue;
    if (all[size_t(first)].width != node.width || all[size_t(second)].width != node.width) continue;
    if (early > late) std::swap(early, late), std::swap(one, two), std::swap(first, second);
    Node& product = all[size_t(late)];
    Piece& piece = product.pieces[size_t(two)];
    if (product.from.size() == 2 || piece.after >= 0) continue;
    if (!piece.parts.empty()) {
      // What both begin with is added before either runs.
      int32_t at = early, at_piece = one;
      while (all[size_t(at)].pieces[size_t(at_piece)].after >= 0) {
        const Piece& before = all[size_t(at)].pieces[size_t(at_piece)];
        at = before.after, at_piece = before.after_piece;
      }
      if (all[size_t(at)].from.size() == 2) continue;
      Piece& root = all[size_t(at)].pieces[size_t(at_piece)];
      root.parts.insert(root.parts.end(), piece.parts.begin(), piece.parts.end());
      piece.parts.clear();
    }
    piece.after = early, piece.after_piece = one;
    node.kind = OSTINATO_SLICE, node.from = {late}, node.label = piece.first;
  }
}

// Products of the same value are one, with the columns of all.
void Nodes::unite() {
  std::map<int32_t, int32_t> first;
  std::vector<int32_t> to(all.size(), -1), moved(all.size(), 0), pieces(all.size(), 0);
  for (int32_t i = 0; i < int32_t(all.size()); ++i) {
    Node& node = all[size_t(i)];
    for (Piece& piece : node.pieces)
      if (piece.after >= 0 && to[size_t(piece.after)] >= 0)
        piece.after_piece += pieces[size_t(piece.after)], piece.after = to[size_t(piece.after)];
    if (node.kind == OSTINATO_SLICE && to[size_t(node.from[0])] >= 0)
      node.label += moved[size_t(node.from[0])], node.from[0] = to[size_t(node.from[0])];
    if (node.kind != OSTINATO_PRODUCT || node.from.size() == 2) continue;
    const int32_t early = first.emplace(node.from[0], i).first->second;
    Node& one = all[size_t(early)];
    bool can = early != i && one.pieces.size() + node.pieces.size() <= size_t(kMostPieces) &&
               one.columns <= kMostWidth - node.columns;
    for (const Piece& piece : node.pieces) can = can && piece.after < early;
    if (!can) continue;
    to[size_t(i)] = early, moved[size_t(i)] = one.columns, pieces[size_t(i)] = int32_t(one.pieces.size());
    for (Piece piece : node.pieces) piece.first += one.columns, one.pieces.push_back(piece);
    node.kind = OSTINATO_SLICE, node.label = one.columns, node.from = {early};
    one.columns += node.columns;
    node.pieces.clear();
  }
}

// One node in place of itself and what only it reads.
void Nodes::fuse(int32_t index) {
  Node& node = all[size_t(index)];
  const auto inner = [this, &node](size_t k) -> Node& { return all[size_t(node.from[k])]; };
  if (node.kind == OSTINATO_ADD) {
    const bool left = once(node.from[0], OSTINATO_MULTIPLY), right = once(node.from[1], OSTINATO_MULTIPLY);
    if (left && right && node.from[0] != node.from[1]) {
      const std::vector<int32_t> a = inner(0).from, b = inner(1).from;
      // (1 - g) x + g y, in any order.
      for (int turn = 0; turn < 8; ++turn) {
        const std::vector<int32_t>& open = turn & 1 ? a : b;
        const std::vector<int32_t>& shut = turn & 1 ? b : a;
        const int32_t rest = shut[turn >> 1 & 1], gate = open[turn >> 2 & 1];
        if (!once(rest, OSTINATO_SUBTRACT)) continue;
        const Node& one = all[size_t(all[size_t(rest)].from[0])];
        if (all[size_t(rest)].from[1] != gate || one.kind != OSTINATO_CONSTANT || one.label != 0x3f800000) continue;
        node.kind = kBlend, node.from = {gate, open[!(turn >> 2 & 1)], shut[!(turn >> 1 & 1)]};
        return;
      }
      node.kind = kTwoProducts, node.from = {a[0], a[1], b[0], b[1]};
    } else if (left || right) {
      const int32_t term = node.from[left ? 1 : 0];
      node.from = inner(left ? 0 : 1).from;
      node.kind = kFused, node.from.push_back(term);
    }
  } else if (node.kind == OSTINATO_SIGMOID || node.kind == OSTINATO_TANH) {
    const bool sigmoid = node.kind == OSTINATO_SIGMOID;
    const int32_t from = node.from[0];
    if (once(from, OSTINATO_ADD))
      node.from = inner(0).from, node.kind = sigmoid ? kAddSigmoid : kAddTanh;
    else if (once(from, kFused))
      node.from = inner(0).from, node.kind = sigmoid ? kFusedSigmoid : kFusedTanh;
  } else if (node.kind == OSTINATO_MULTIPLY) {
    for (size_t k = 0; k < 2; ++k)
      if (once(node.from[k], OSTINATO_TANH)) {
        node.kind = kTimesTanh, node.from = {node.from[1 - k], inner(k).from[0]};
        break;
      }
  }
}

// Pieces that the same function is applied to become neighbours.
void Nodes::order_pieces() {
  std::map<std::pair<int32_t, int32_t>, int32_t> function;
  for (const Node& node : all) {
    int32_t product;
    if (!is_unary(node.kind)) continue;
    const int32_t piece = piece_of(node.from[0], &product);
    if (piece >= 0) function[{product, all[size_t(product)].pieces[size_t(piece)].first}] = node.kind;
  }
  std::vector<std::vector<int32_t>> moved(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].kind != OSTINATO_PRODUCT) continue;
    const std::vector<Piece> before = all[i].pieces;
    std::vector<int32_t> order;
    for (size_t k = 0; k < before.size(); ++k) order.push_back(int32_t(k));
    const auto key = [&](int32_t k) {
      const auto found = function.find({int32_t(i), before[size_t(k)].first});
      return found == function.end() ? int32_t(OSTINATO_KINDS) : found->second;
    };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return key(a) < key(b); });
    moved[i].resize(before.size());
    for (size_t k = 0; k < order.size(); ++k) {
      all[i].pieces[k] = before[size_t(order[k])];
      moved[i][size_t(order[k])] = int32_t(k);
    }
  }
  for (Node& node : all)
    for (Piece& piece : node.pieces)
      if (piece.after >= 0) piece.after_piece = moved[size_t(piece.after)][size_t(piece.after_piece)];
}

// The same function of neighbouring pieces runs once, over all of them.
void Nodes::gather() {
  std::map<std::pair<int32_t, int32_t>, std::map<int32_t, int32_t>> found;
  for (int32_t i = 0; i < int32_t(all.size()); ++i) {
    int32_t product;
    const int32_t piece = is_unary(all[size_t(i)].kind) ? piece_of(all[size_t(i)].from[0], &product) : -1;
    if (piece >= 0) found[{product, all[size_t(i)].kind}].emplace(piece, i);
  }
  for (const auto& of : found) {
    std::vector<int32_t> run;
    const auto close = [&] {
      if (run.size() > 1) {
        const int32_t first = *std::min_element(run.begin(), run.end());
        for (const int32_t n : run) all[size_t(n)].group = first;
        all[size_t(first)].members = run;
      }
      run.clear();
    };
    int32_t before = -2;
    for (const auto& at : of.second) {
      if (at.first != before + 1) close();
      run.push_back(at.second), before = at.first;
    }
    close();
  }
}

}  // namespace ostinato
