// Weights as the loops of a CPU target want to read them.
#include <algorithm>
#include <cstring>

#include "stream_plan.h"

namespace ostinato {
namespace {

// The numbers of a product's first row in each of its lanes, and how far its rows are apart; null in what pads it. A
// scalar fills its vector.
struct Column {
  const float* top = nullptr;
  int64_t row = 0;
  double start = 0;
};

std::vector<Column> columns_of(const ostinato_stream_program& program, const Node& product, int64_t lanes) {
  std::vector<Column> all;
  for (const Piece& piece : product.pieces) {
    const ostinato_stream_weight& weight = program.weight[piece.weight];
    for (int64_t i = 0; i < (piece.width == 1 ? lanes : piece.width); ++i) {
      const int64_t at = piece.width == 1 ? 0 : i;
      Column column{weight.data + piece.column + at, weight.columns, 0};
      for (const Piece::Part& part : piece.parts)
        column.start += double(program.weight[part.weight].data[part.first + at]);
      all.push_back(column);
    }
    all.resize((all.size() + size_t(lanes) - 1) / size_t(lanes) * size_t(lanes));
  }
  return all;
}

// Blocks of columns one after another, each k by k.
void fill_matrix(int64_t depth, const std::vector<Column>& column, const StreamTarget& target, float* to) {
  const int64_t vectors = int64_t(column.size()) / target.lanes;
  const int32_t blocks = blocks_of(vectors, target.block);
  int64_t first = 0;
  for (int32_t b = 0; b < blocks; ++b) {
    const int64_t last = first + block_size(vectors, blocks, b) * target.lanes;
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t i = first; i < last; ++i, ++to)
        if (column[size_t(i)].top) *to = column[size_t(i)].top[k * column[size_t(i)].row];
    first = last;
  }
}

}  // namespace

void fill(const ostinato_stream_program& program, const Nodes& nodes, const StreamTarget& target, const Packed& what,
          float* block) {
  float* to = block + what.at;
  std::fill(to, to + what.floats, 0.0f);
  if (what.what == Packed::kVector) {
    float value;
    std::memcpy(&value, &what.weight, sizeof value);
    if (what.columns > 0) value = program.weight[what.weight].data[what.first];
    if (what.columns <= 1) return std::fill(to, to + what.floats, value);
    std::copy_n(program.weight[what.weight].data + what.first, what.columns, to);
  } else if (what.what == Packed::kTable) {
    const ostinato_stream_weight& table = program.weight[what.weight];
    std::copy_n(table.data, table.rows * table.columns, to);
  } else {
    const Node& product = nodes.all[size_t(what.product)];
    const std::vector<Column> column = columns_of(program, product, target.lanes);
    if (what.what == Packed::kMatrix) return fill_matrix(program.weight[product.label].rows, column, target, to);
    for (const Column& one : column) *to++ = float(one.start);
  }
}

}  // namespace ostinato
