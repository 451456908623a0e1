from __future__ import annotations

import subprocess
import sys


def test_looking_at_a_model_imports_neither_torch_nor_matplotlib_before_it_is_asked_to():
    code = "import sys, ostinato.diagnosis.pictures; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
