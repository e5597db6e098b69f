// SPDX-License-Identifier: Apache-2.0
//
// JPEG files of every kind, written with libjpeg itself.
#pragma once
#include <functional>

#include "tests/data/files.h"

struct jpeg_compress_struct;

namespace fovea::test {

struct JpegKind {
  int components = 3;  // 1: grey, 3: RGB, 4: CMYK as it is stored
  int quality = 90;
  bool progressive = false, arithmetic = false;
  bool adobe = true;  // of CMYK: with Adobe's marker
  bool ycck = false;  // of CMYK
  Bytes app1 = {};    // the data of an APP1 marker
  int scans = 0;      // above 0: a progressive file of so many scans, all but the first ones empty refinements
};
// `pixels` are interleaved, width x height x components.
Bytes encode_jpeg(unsigned width, unsigned height, const JpegKind& kind, const Bytes& pixels);

// An EXIF block of one entry, in either byte order.
Bytes exif_block(unsigned orientation, bool big_endian = false);

// A picture without sharp edges, which JPEG keeps nearly as it is.
Bytes smooth_pixels(unsigned width, unsigned height, unsigned components);

}  // namespace fovea::test
