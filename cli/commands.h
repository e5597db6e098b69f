// SPDX-License-Identifier: Apache-2.0
//
// The commands, one file each. A function declares its command's arguments and returns what runs it.
#pragma once
#include "cli/arguments.h"

namespace fovea::cli {

Run declare_devices(Arguments& arguments);
Run declare_summary(Arguments& arguments);
Run declare_train(Arguments& arguments);
Run declare_eval(Arguments& arguments);
Run declare_predict(Arguments& arguments);
Run declare_compare(Arguments& arguments);
Run declare_gradcheck(Arguments& arguments);
Run declare_op(Arguments& arguments);
Run declare_knn(Arguments& arguments);
Run declare_bench(Arguments& arguments);
Run declare_bench_conv(Arguments& arguments);
Run declare_bench_gemm(Arguments& arguments);
Run declare_profile(Arguments& arguments);
Run declare_data(Arguments& arguments);
Run declare_replay(Arguments& arguments);

}  // namespace fovea::cli
