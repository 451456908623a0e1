// The choice of a CPU target, and what the core says about calls that it cannot run.
#include <cstdlib>

#include "case.h"

namespace {

void targets_have_names() {
  const int32_t count = ostinato_target_count();
  CHECK(count > 0, "there are no targets");
  for (int32_t i = 0; i < count; ++i) {
    CHECK(ostinato_target_name(i)[0] != 0, "target %d has no name", i);
    CHECK(std::strstr(ostinato_target_flags(i), "-ffp-contract=fast"), "the flags of target %d: %s", i,
          ostinato_target_flags(i));
    for (int32_t k = 0; k < i; ++k)
      CHECK(std::strcmp(ostinato_target_name(i), ostinato_target_name(k)) != 0, "%s is there twice",
            ostinato_target_name(i));
  }
  for (const int32_t i : {-1, count}) {
    CHECK(!ostinato_target_name(i) && !ostinato_target_flags(i), "there is a target %d", i);
    CHECK(!ostinato_target_runs(i), "target %d runs", i);
  }
  CHECK(ostinato_target_runs(0), "the oldest target does not run");
}

// The name in OSTINATO_TARGET, if that target runs here.
void the_environment_chooses() {
  const char* asked = std::getenv("OSTINATO_TARGET");
  for (int32_t i = 0; asked && i < ostinato_target_count(); ++i)
    if (std::strcmp(ostinato_target_name(i), asked) == 0 && ostinato_target_runs(i))
      CHECK(ostinato_target_now() == i, "%s is in use", ostinato_target_name(ostinato_target_now()));
  CHECK(ostinato_target_runs(ostinato_target_now()), "a target is in use that does not run");
}

void what_does_not_run_is_not_chosen() {
  const int32_t before = ostinato_target_now();
  for (int32_t i = -1; i <= ostinato_target_count(); ++i) {
    const bool runs = ostinato_target_runs(i);
    CHECK((ostinato_target_choose(i) == 1) == runs, "target %d", i);
    CHECK(ostinato_target_now() == (runs ? i : before), "target %d is in use", ostinato_target_now());
    ostinato_target_choose(before);
  }
}

void cells_are_listed() {
  const int32_t count = ostinato_cell_count();
  CHECK(count >= 4, "%d cells", count);
  CHECK(!ostinato_cell_at(-1) && !ostinato_cell_at(count), "there are cells beyond the last");
  CHECK(!ostinato_kernel_at(-1, 4) && !ostinato_kernel_at(count, 4), "there are kernels beyond the last");
  CHECK(std::strlen(ostinato_source_digest()) == 64, "the digest is %s", ostinato_source_digest());
  for (int32_t i = 0; i < count; ++i)
    for (const int32_t bytes : {2, 4, 8, 16}) {
      const ostinato_kernel* kernel = ostinato_kernel_at(i, bytes);
      CHECK((bytes == 4 || bytes == 8) == (kernel != nullptr), "%s of %d bytes", ostinato_cell_at(i)->name, bytes);
      if (!kernel) continue;
      int32_t gates = 1;
      for (const char* c = ostinato_cell_at(i)->gates; *c; ++c) gates += *c == ' ';
      CHECK(kernel->abi == OSTINATO_ABI && kernel->bytes == bytes && kernel->gates == gates, "%s",
            ostinato_cell_at(i)->name);
    }
}

bool refused(const ostinato_kernel* kernel, const char* reason) {
  ostinato_call call{};
  call.kernel = kernel;
  const char* found = ostinato_refusal(&call);
  return found && std::strstr(found, reason);
}

void foreign_kernels_are_refused() {
  const int32_t before = ostinato_target_now();
  for (const int32_t bytes : {4, 8})
    for (int32_t own = 0; own < ostinato_target_count(); ++own)
      for (int32_t other = 0; other < ostinato_target_count(); ++other) {
        if (!ostinato_target_choose(own)) continue;
        const ostinato_kernel* kernel = ostinato_kernel_at(0, bytes);
        ostinato_call call{};
        call.kernel = kernel;
        CHECK(!ostinato_refusal(&call), "a kernel is refused by its own target: %s", ostinato_refusal(&call));
        if (own != other && ostinato_target_choose(other))
          CHECK(refused(kernel, "another CPU target"), "%s takes a kernel of %s", ostinato_target_name(other),
                ostinato_target_name(own));
      }
  ostinato_target_choose(before);
  ostinato_kernel kernel = *ostinato_kernel_at(0, 4);
  kernel.abi = OSTINATO_ABI + 1;
  CHECK(refused(&kernel, "another version"), "a kernel of another version");
  kernel = *ostinato_kernel_at(0, 4);
  kernel.gates = 13, kernel.sub = 1;
  CHECK(refused(&kernel, "more gates"), "a kernel of 13 gates");
  for (int32_t ostinato_kernel::* many : {&ostinato_kernel::parts, &ostinato_kernel::parameters}) {
    kernel = *ostinato_kernel_at(0, 4);
    kernel.*many = OSTINATO_MOST + 1;
    CHECK(refused(&kernel, "more parts, parameters, matrices or given values"), "a kernel of too many vectors");
  }
  CHECK(refused(nullptr, "no kernel"), "no kernel");
}

}  // namespace

int main() {
  the_environment_chooses();
  targets_have_names();
  what_does_not_run_is_not_chosen();
  cells_are_listed();
  foreign_kernels_are_refused();
  return checking::outcome();
}
