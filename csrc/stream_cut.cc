// Where the columns of products are cut: along the slices that read them, so that each of these is a place and no copy.
#include <algorithm>

#include "stream_plan.h"

namespace ostinato {

// How the products of a program are read, and which can be cut.
struct Nodes::Cuts {
  explicit Cuts(const std::vector<Node>& nodes)
      : slices(nodes.size()),
        begins(nodes.size(), -1),
        apart(nodes.size(), false),
        others(nodes.size(), 0),
        fine(nodes.size(), false) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      const Node& node = nodes[i];
      for (size_t k = 0; k < node.from.size(); ++k) {
        const size_t n = size_t(node.from[k]);
        if (node.kind == OSTINATO_PRODUCT && k == 1 && nodes[n].uses == 1)
          begins[n] = int32_t(i);
        else if (node.kind == OSTINATO_SLICE)
          slices[n].push_back(int32_t(i));
        else
          ++others[n];
      }
    }
    for (size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].kind == OSTINATO_PRODUCT) look(nodes, i);
  }

  // The product that a start is or is cut from, if that can begin there piece by piece; or -1.
  int32_t source(const std::vector<Node>& nodes, int32_t start) const {
    const Node& node = nodes[size_t(start)];
    if (begins[size_t(start)] < 0) return -1;
    if (node.kind == OSTINATO_PRODUCT && fine[size_t(start)]) return start;
    const bool slice = node.kind == OSTINATO_SLICE && apart[size_t(node.from[0])];
    return slice ? node.from[0] : -1;
  }

  std::vector<std::vector<int32_t>> slices;  // of a product, in the order of their columns
  std::vector<int32_t> begins;               // the product that begins with a node which nobody else reads, or -1
  std::vector<bool> apart;                   // read by slices that do not overlap, and by nothing else

 private:
  void look(const std::vector<Node>& nodes, size_t i) {
    const Node& node = nodes[i];
    std::vector<int32_t>& cuts = slices[i];
    const auto label = [&nodes](int32_t n) { return nodes[size_t(n)].label; };
    std::sort(cuts.begin(), cuts.end(), [&label](int32_t a, int32_t b) { return label(a) < label(b); });
    fine[i] = node.from.size() == 1 || Nodes::weight_of(nodes, node.from[1], nullptr) >= 0 ||
              source(nodes, node.from[1]) >= 0;
    apart[i] =
        fine[i] && others[i] == 0 && begins[i] < 0 && cuts.size() <= size_t(kMostPieces) && node.uses < kUsedOutside;
    for (size_t k = 1; apart[i] && k < cuts.size(); ++k)
      apart[i] = label(cuts[k]) >= label(cuts[k - 1]) + nodes[size_t(cuts[k - 1])].width;
  }

  std::vector<int32_t> others;
  std::vector<bool> fine;  // a product that can be cut, as far as its start is asked
};

// The weight that a node is or is cut from, and where it begins; or -1.
int32_t Nodes::weight_of(const std::vector<Node>& nodes, int32_t index, int32_t* first) {
  const Node& node = nodes[size_t(index)];
  const Node& whole = node.kind == OSTINATO_SLICE ? nodes[size_t(node.from[0])] : node;
  if (first) *first = node.kind == OSTINATO_SLICE ? node.label : 0;
  return whole.kind == OSTINATO_WEIGHT ? whole.label : -1;
}

// A product that is only read by slices is cut along them; one that another begins with, as that one is.
void Nodes::cut() {
  const Cuts cuts(all);
  // Nodes come after what they read, so that whoever begins with a product has been cut before.
  for (size_t i = all.size(); i-- > 0;) {
    Node& node = all[i];
    if (node.kind != OSTINATO_PRODUCT) continue;
    const auto cut_as = [this, &node, i](int32_t later, int32_t first) {
      for (Piece& piece : all[size_t(later)].pieces) {
        piece.after = int32_t(i), piece.after_piece = int32_t(node.pieces.size());
        node.pieces.push_back({first + piece.first, piece.width, node.label, first + piece.column});
      }
    };
    if (cuts.begins[i] >= 0 && all[size_t(cuts.begins[i])].from.size() == 1) {
      cut_as(cuts.begins[i], 0);
    } else if (cuts.apart[i]) {
      for (const int32_t n : cuts.slices[i]) {
        const Node& slice = all[size_t(n)];
        if (cuts.begins[size_t(n)] >= 0)
          cut_as(cuts.begins[size_t(n)], slice.label);
        else
          node.pieces.push_back({slice.label, slice.width, node.label, slice.label});
      }
    } else {
      node.pieces.push_back({0, node.width, node.label, 0});
    }
    node.columns = node.width;
    if (node.from.size() == 1) continue;
    int32_t first;
    const int32_t weight = weight_of(all, node.from[1], &first);
    if (weight >= 0)
      for (Piece& piece : node.pieces) piece.parts.push_back({weight, first + piece.first});
    if (weight >= 0 || cuts.source(all, node.from[1]) >= 0) node.from.pop_back();
  }
}

}  // namespace ostinato
