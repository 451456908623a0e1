#include "layout.h"

#include <pthread.h>
#include <stdlib.h>

#include <algorithm>

#include "threads.h"

namespace ostinato {
namespace {

// Multiplications below which a second thread costs more than it brings.
constexpr int64_t kWorthAThread = 400000;
// The same for the products around a loop that one thread runs.
constexpr int64_t kWorthHelp = 2000000;
// Bytes of R from which a single row is shared out unit by unit, and those from which a few rows for each thread are: R no
// longer fits beside them into the cache of a core, and half of it costs half the time.
constexpr int64_t kWorthABarrier = 96 << 10;
constexpr int64_t kTooLarge = 512 << 10;
constexpr int64_t kFewRows = 4;
// Bytes that stay with the library between calls.
constexpr int64_t kRemembered = 256 << 20;
constexpr int kShelf = 8;

struct Shelf {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  char* memory[kShelf] = {};
  int64_t bytes[kShelf] = {};
  int64_t total = 0;
};

// Never freed: a thread may still give memory back while the program ends.
Shelf& shelf() {
  static Shelf* only = [] {
    pthread_atfork([] { pthread_mutex_lock(&shelf().lock); }, [] { pthread_mutex_unlock(&shelf().lock); },
                   [] { pthread_mutex_unlock(&shelf().lock); });
    return new Shelf;
  }();
  return *only;
}

constexpr int64_t kHeader = 64;

}  // namespace

Panels::Panels(int64_t lanes_, int64_t gates_, int64_t sub, int64_t out_, int64_t bytes)
    : lanes(lanes_), gates(gates_), units(sub * lanes_), out(out_) {
  panels = (out + units - 1) / units;
  panel = gates * units;
  depth = panels * panel;
  const int64_t line = 64 / bytes;
  gate_row = (depth + line - 1) / line * line + line;
}

Shape::Shape(const ostinato_call& call)
    : Panels(call.kernel->lanes, call.kernel->gates, call.kernel->sub, call.hidden, call.kernel->bytes) {
  const ostinato_kernel& kernel = *call.kernel;
  width = panels * units;
  vectors = (call.hidden + lanes - 1) / lanes;
  keep_row = vectors * kernel.keep * lanes;
  if (!kernel.staged) return;
  // Results of products of one matrix stand in panels of four vectors.
  const int64_t whole = 4 * lanes;
  width = (most(call.hidden, call.shown) + whole - 1) / whole * whole;
  keep_row += (kernel.keep_rows + lanes - 1) / lanes * lanes;
}

namespace {
int64_t sub_for(int64_t count) { return count == 1 ? 4 : count == 2 ? 2 : 1; }
}  // namespace

Group::Group(const ostinato_call& call, int group)
    : Panels(call.kernel->lanes, call.kernel->group_size[group], sub_for(call.kernel->group_size[group]),
             group == call.kernel->projected ? call.shown : call.hidden, call.kernel->bytes),
      first(0), shown(call.kernel->group_shown[group] != 0), sums(shown ? call.shown : call.hidden) {
  for (int g = 0; g < group; ++g) first += call.kernel->group_size[g];
}

char* borrow(int64_t bytes) {
  Shelf& shelves = shelf();
  pthread_mutex_lock(&shelves.lock);
  int best = -1;
  for (int i = 0; i < kShelf; ++i)
    if (shelves.memory[i] && shelves.bytes[i] >= bytes && shelves.bytes[i] <= 2 * bytes + (1 << 20) &&
        (best < 0 || shelves.bytes[i] < shelves.bytes[best]))
      best = i;
  char* found = nullptr;
  if (best >= 0) {
    found = shelves.memory[best];
    shelves.memory[best] = nullptr;
    shelves.total -= shelves.bytes[best];
  }
  pthread_mutex_unlock(&shelves.lock);
  if (found) return found;
  void* fresh = nullptr;
  if (bytes < 0 || posix_memalign(&fresh, 64, size_t(bytes + kHeader)) != 0) return nullptr;
  *static_cast<int64_t*>(fresh) = bytes;
  return static_cast<char*>(fresh) + kHeader;
}

void give_back(char* memory) {
  if (!memory) return;
  const int64_t bytes = *reinterpret_cast<int64_t*>(memory - kHeader);
  Shelf& shelves = shelf();
  pthread_mutex_lock(&shelves.lock);
  char* dropped = memory;
  if (bytes <= kRemembered) {
    // A full shelf gives up its smallest piece for a larger one.
    int place = 0;
    for (int i = 0; i < kShelf; ++i) {
      if (!shelves.memory[i]) {
        place = i;
        break;
      }
      if (shelves.bytes[i] < shelves.bytes[place]) place = i;
    }
    const int64_t before = shelves.memory[place] ? shelves.bytes[place] : 0;
    if (before < bytes && shelves.total - before + bytes <= kRemembered) {
      dropped = shelves.memory[place];
      shelves.memory[place] = memory;
      shelves.bytes[place] = bytes;
      shelves.total += bytes - before;
    }
  }
  pthread_mutex_unlock(&shelves.lock);
  if (dropped) free(dropped - kHeader);
}

Split split_of(const ostinato_call& call) {
  Split split{1, 1, 1, 0, 0, false};
  for (int64_t b = 0; b < call.rows; ++b) {
    split.steps += length_of(call, b);
    split.longest = most(split.longest, length_of(call, b));
  }
  const ostinato_kernel& kernel = *call.kernel;
  const int64_t inside = kernel.dense ? call.hidden : 8 + call.hidden * kernel.matrices / kernel.gates;
  const int64_t work = split.steps * kernel.gates * call.hidden * (inside + call.inputs);
  const int64_t worth = least(least(call.threads, kMostThreads), work / kWorthAThread);
  if (worth < 2) return split;
  const int64_t recurrent = kernel.gates * call.hidden * call.hidden * kernel.bytes;
  const bool heavy = kernel.dense && recurrent >= kTooLarge && call.rows <= kFewRows * worth;
  if (call.rows >= worth && call.rows > 1 && !heavy) {
    split.threads = split.teams = int(worth);
    return split;
  }
  // The members of one team share the units, or only what is outside the loop.
  const int64_t parts = (Shape(call).vectors + 3) / 4;
  if (kernel.staged || (kernel.dense && (recurrent < kWorthABarrier || parts < 2))) {
    split.alone = split.steps * kernel.gates * call.hidden * call.inputs >= kWorthHelp;
    if (split.alone) split.threads = split.members = int(least(worth, Shape(call).panels));
    return split;
  }
  split.threads = split.members = int(least(worth, parts));
  return split;
}

Team* teams_of(const ostinato_call& call, const Split& split, Block& block) {
  Team* teams = block.take<Team>(split.teams);
  int64_t* all = block.take<int64_t>(call.rows);
  if (all) {
    for (int64_t b = 0; b < call.rows; ++b) all[b] = b;
    // Rows of one length stay in their order; std::stable_sort would allocate.
    if (call.lengths)
      std::sort(all, all + call.rows, [&](int64_t a, int64_t b) {
        return call.lengths[a] != call.lengths[b] ? call.lengths[a] > call.lengths[b] : a < b;
      });
  }
  int64_t* begin = block.take<int64_t>(call.rows + 1);
  if (all) {
    begin[0] = 0;
    for (int64_t b = 0; b < call.rows; ++b) begin[b + 1] = begin[b] + length_of(call, b);
  }
  for (int k = 0; k < split.teams; ++k) {
    int64_t* order = block.take<int64_t>(call.rows / split.teams + 1);
    int64_t* length = block.take<int64_t>(call.rows / split.teams + 1);
    int64_t* before = block.take<int64_t>(call.rows / split.teams + 1);
    int64_t* active = block.take<int64_t>(call.steps + 2);
    int64_t* offset = block.take<int64_t>(call.steps + 2);
    if (!all) continue;
    Team& team = teams[k];
    team = {0, order, length, active, offset, before};
    const Part mine = part_of(call.rows, k, split.teams);
    for (int64_t i = 0; call.lengths ? i < call.rows : i < mine.last - mine.first; ++i) {
      // The longest go to all teams in turn, there and back, so that each has its share of steps.
      const int64_t turn = i % (2 * split.teams);
      if (call.lengths && turn != k && turn != 2 * split.teams - 1 - k) continue;
      const int64_t row = call.lengths ? all[i] : mine.first + i;
      team.order[team.rows] = row;
      team.begin[team.rows] = begin[row];
      team.length[team.rows++] = length_of(call, row);
    }
    int64_t going = team.rows, sum = 0;
    for (int64_t s = 0; s <= call.steps; ++s) {
      while (going > 0 && team.length[going - 1] <= s) --going;
      team.active[s] = going;
      team.offset[s] = sum;
      sum += going;
    }
  }
  return teams;
}

}  // namespace ostinato
