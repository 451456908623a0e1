// The Python door: the only file here that knows Python.
#include <nanobind/nanobind.h>

#include "ostinato.h"

namespace nb = nanobind;

NB_MODULE(_core, m) {
  m.doc() = "The compiled core; ostinato.core loads it and checks that it belongs to the installed sources.";
  m.attr("source_digest") = ostinato_source_digest();

  nb::class_<ostinato_cell>(m, "Cell", "A cell as it was lowered when the core was built.")
      .def_ro("name", &ostinato_cell::name)
      .def_ro("gates", &ostinato_cell::gates)
      .def_ro("state", &ostinato_cell::state)
      .def_ro("recurrent", &ostinato_cell::recurrent)
      .def_ro("digest", &ostinato_cell::digest)
      .def_ro("operations", &ostinato_cell::operations);

  m.def(
      "cells",
      [] {
        nb::list cells;
        for (int32_t index = 0; index < ostinato_cell_count(); ++index)
          cells.append(nb::cast(ostinato_cell_at(index), nb::rv_policy::reference));
        return nb::tuple(cells);
      },
      "The cells that the core was built with, in the order of the registry.");
}
