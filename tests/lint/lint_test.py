# SPDX-License-Identifier: Apache-2.0
"""Every rule finds a planted violation, and leaves right code alone."""
import unittest

import rules

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"

# rule: ({violating files}, {files that are right})
PLANTED = {
    rules.spdx: [
        ({"core/a.h": "#pragma once\n"}, {"core/a.h": SPDX}),
        ({"scripts/a.sh": "#!/bin/sh\necho\n"}, {"scripts/a.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"}),
    ],
    rules.no_cuda_in_core: [
        ({"core/ops/a.cpp": "// as CUDA does\n"}, {"core/backend/device_list.cpp": "make_cuda_backend();\n"}),
        ({"examples/01.cpp": 'open_device("cuda")\n'}, {"examples/01.cpp": 'open_device("emu")\n'}),
        ({"cpu_reference/CMakeLists.txt": "enable_language(CUDA)\n"}, {"cli/a.cpp": 'open_device("cuda")\n'}),
    ],
    rules.library_headers: [
        ({"cuda/kernels/a.cu": "#include <cudnn.h>\n"}, {"cuda/cudnn/a.cpp": "#include <cudnn_frontend.h>\n"}),
        ({"core/a.h": '#include "cublasLt.h"\n'}, {}),
        ({"cpu_reference/a.h": "#include <oneapi/dnnl/dnnl.hpp>\n"}, {"cpu/a.h": "#include <oneapi/dnnl/dnnl.hpp>\n"}),
    ],
    rules.one_launch: [
        ({"cuda/kernels/a.cu": "k<<<1, 2>>>();\n"}, {"cuda/kernels/a.cu": "// not k<<<1, 2>>>()\n"}),
        ({"cuda/kernels/a.cu": "__shared__ float t[4];\n"}, {"cuda/kernels/a.cu": "FOVEA_SHARED(float, t, [4]);\n"}),
        ({"cuda/kernels/a.cu": "auto m = __activemask();\n"}, {"cuda/kernels/a.cu": "__syncwarp(0xffffffffu);\n"}),
    ],
    rules.raw_cuda_calls: [
        ({"cuda/native_ops.cpp": "cudaMallocAsync(&p, n, s);\n"}, {"cuda/runtime/a.cpp": "cudaMallocAsync(&p, n);\n"}),
        ({"cuda/kernels/a.cu": "cudnnCreate(&h);\n"}, {"cuda/cudnn/a.cpp": "cudnnCreate(&h);\n"}),
    ],
    rules.wide_accesses: [
        ({"cuda/kernels/a.cu": "auto v = reinterpret_cast<const float4*>(x)[i];\n"},
         {"cuda/kernels/b.cu": "auto v = wide<const float4>(x)[i];\n"}),
        ({"cuda/kernels/a.cuh": "*reinterpret_cast<Chunk<T>*>(y) = v;\n"},
         {"cuda/kernels/b.cuh": "reinterpret_cast<T*>(chunk)[e] = v;\n"}),
    ],
    rules.include_direction: [
        ({"core/ops/a.h": '#include "core/executor/plan.h"\n'}, {"core/executor/a.h": '#include "core/ops/add.h"\n'}),
        ({"core/graph/graph.h": '#include "cpu_reference/conv2d.h"\n', "cpu_reference/conv2d.h": ""},
         {"core/backend/device_list.cpp": '#include "cpu_reference/cpu_backend.h"\n', "cpu_reference/cpu_backend.h": ""}),
        ({"core/ops/b.cpp": '#include "b.h"\n'}, {"core/ops/b.cpp": '#include "core/ops/b.h"\n'}),
        ({"cuda/kernels/k.cu": '#include "core/graph/layer.h"\n', "core/graph/layer.h": ""}, {}),
    ],
    rules.file_length: [
        ({"core/a.cpp": "\n" * 401}, {"core/a.cpp": "\n" * 400}),
        ({"cuda/kernels/a.cu": "\n" * 301}, {"cuda/kernels/a.cu": "\n" * 300}),
    ],
    rules.line_length: [
        ({"scripts/a.py": "#" * 121 + "\n"}, {"scripts/a.py": "#" * 120 + "\n"}),
    ],
    rules.no_unfinished_work: [
        ({"core/a.cpp": "// TODO faster\n"}, {"core/a.cpp": "// the faster way is in a_tiled.cu\n"}),
        ({"docs/a.md": "FIXME\n"}, {}),
        ({"cli/a.cpp": 'throw "Not implemented";\n'}, {}),
        ({"cli/b.cpp": "// one device for now\n"}, {}),
    ],
    rules.no_machine_paths: [
        ({"scripts/a.sh": "cd /home/somebody\n"}, {"scripts/a.sh": "cd $root/work/x; ls https://example.org/work/x\n"}),
    ],
    rules.macro_names: [
        ({"core/a.h": "#define CHECK(x) x\n"}, {"core/a.h": "#define FOVEA_CHECK(x) x\n"}),
    ],
    rules.header_guards: [
        ({"core/a.h": SPDX}, {"core/a.h": "#pragma once\n"}),
        ({"core/a.h": "#pragma once\nusing namespace std;\n"}, {"core/a.cpp": "using namespace fovea;\n"}),
    ],
}


class Lint(unittest.TestCase):
    def test_every_rule_has_a_planted_violation(self):
        self.assertEqual(set(PLANTED), set(rules.RULES))

    def test_rules_find_planted_violations(self):
        for rule, cases in PLANTED.items():
            for wrong, right in cases:
                with self.subTest(rule=rule.__name__, files=wrong):
                    self.assertTrue(list(rule(wrong)), "the violation was not found")
                with self.subTest(rule=rule.__name__, files=right):
                    self.assertEqual(list(rule(right)), [])

    def test_violations_carry_their_line(self):
        found = list(rules.no_unfinished_work({"core/a.cpp": "one\ntwo\n// FIXME three\n"}))
        self.assertEqual([(path, line) for path, line, _ in found], [("core/a.cpp", 3)])


if __name__ == "__main__":
    unittest.main()
