// SPDX-License-Identifier: Apache-2.0
//
// Marks a function that kernels call as well as the host. Some compilers of kernels must be told: the device layer
// defines the word on their command line (cuda/CMakeLists.txt). To all others it says nothing.
#pragma once

#ifndef FOVEA_HOST_DEVICE
#define FOVEA_HOST_DEVICE
#endif
