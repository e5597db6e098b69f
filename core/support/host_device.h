// SPDX-License-Identifier: Apache-2.0
//
// Marks a function that kernels call as well as the host. A compiler of kernels may have to be told: the device layer
// then defines the word on its command line. To all others it says nothing.
#pragma once

#ifndef FOVEA_HOST_DEVICE
#define FOVEA_HOST_DEVICE
#endif
