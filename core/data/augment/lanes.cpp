// SPDX-License-Identifier: Apache-2.0
#include "core/data/augment/lanes.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

// Compiled for AVX2 whatever the rest is compiled for; called only where the processor has it.
#define FOVEA_AVX2 __attribute__((target("avx2")))

namespace fovea::lanes {
namespace {

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
}

// 16 numbers of 16 bits each. Bytes are unpacked and packed within halves of a register, so that their order comes back.
using Words = __m256i;
constexpr std::size_t bytes = 32;

FOVEA_AVX2 inline Words load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
FOVEA_AVX2 inline void store(void* to, Words value) { _mm256_storeu_si256(static_cast<__m256i*>(to), value); }
FOVEA_AVX2 inline Words all(int value) { return _mm256_set1_epi16(static_cast<short>(value)); }
FOVEA_AVX2 inline Words low(Words packed) { return _mm256_unpacklo_epi8(packed, _mm256_setzero_si256()); }
FOVEA_AVX2 inline Words high(Words packed) { return _mm256_unpackhi_epi8(packed, _mm256_setzero_si256()); }
FOVEA_AVX2 inline __m128i load_half(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
FOVEA_AVX2 inline void store_half(void* to, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(to), value); }
FOVEA_AVX2 inline __m128i packed(Words words) {
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

// blend() before it is cut: its two roundings are one, other + ((v - other) * factor + 512 >> 10), and that is the
// processor's rounded product a * b + 2^14 >> 15 of 4 (v - other) and 8 factor.
constexpr int most_factor = 4095;
FOVEA_AVX2 inline Words blended(Words value, Words other, Words factor8) {
  const Words distance4 = _mm256_slli_epi16(_mm256_sub_epi16(value, other), 2);
  return _mm256_add_epi16(other, _mm256_mulhrs_epi16(distance4, factor8));
}
bool fits(int factor) { return factor >= 0 && factor <= most_factor; }

FOVEA_AVX2 inline Words grey_of(Words red, Words green, Words blue) {
  const Words sum = _mm256_add_epi16(_mm256_mullo_epi16(red, all(77)), _mm256_mullo_epi16(green, all(150)));
  return _mm256_srli_epi16(_mm256_add_epi16(sum, _mm256_add_epi16(_mm256_mullo_epi16(blue, all(29)), all(128))), 8);
}

FOVEA_AVX2 std::size_t blend_avx2(std::uint8_t* pixels, std::size_t count, int other_value, int factor) {
  const Words other = all(other_value), factor8 = all(8 * factor);
  std::size_t i = 0;
  for (; i + bytes <= count; i += bytes) {
    const Words v = load(pixels + i);
    store(pixels + i, _mm256_packus_epi16(blended(low(v), other, factor8), blended(high(v), other, factor8)));
  }
  return i;
}

FOVEA_AVX2 std::size_t saturate_avx2(std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue, std::size_t count,
                                     int factor) {
  const Words factor8 = all(8 * factor);
  std::size_t i = 0;
  for (; i + bytes <= count; i += bytes) {
    const Words r = load(red + i), g = load(green + i), b = load(blue + i);
    const Words grey_low = grey_of(low(r), low(g), low(b)), grey_high = grey_of(high(r), high(g), high(b));
    store(red + i, _mm256_packus_epi16(blended(low(r), grey_low, factor8), blended(high(r), grey_high, factor8)));
    store(green + i, _mm256_packus_epi16(blended(low(g), grey_low, factor8), blended(high(g), grey_high, factor8)));
    store(blue + i, _mm256_packus_epi16(blended(low(b), grey_low, factor8), blended(high(b), grey_high, factor8)));
  }
  return i;
}

FOVEA_AVX2 std::size_t add_greys_avx2(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                                      std::size_t count, std::uint64_t& sum) {
  Words sums = _mm256_setzero_si256();  // four of 64 bits
  std::size_t i = 0;
  for (; i + bytes <= count; i += bytes) {
    const Words r = load(red + i), g = load(green + i), b = load(blue + i);
    const Words greys = _mm256_packus_epi16(grey_of(low(r), low(g), low(b)), grey_of(high(r), high(g), high(b)));
    sums = _mm256_add_epi64(sums, _mm256_sad_epu8(greys, _mm256_setzero_si256()));
  }
  std::uint64_t four[4];
  store(four, sums);
  sum += four[0] + four[1] + four[2] + four[3];
  return i;
}

// A table of the six sectors, twice and a bit: sectors are counted from 6 below.
FOVEA_AVX2 inline __m128i by_sector(char s0, char s1, char s2, char s3, char s4, char s5, __m128i sector) {
  return _mm_shuffle_epi8(_mm_setr_epi8(s0, s1, s2, s3, s4, s5, s0, s1, s2, s3, s4, s5, s0, s1, s2, s3), sector);
}

// turn_pixels in color.cpp, 16 pixels at a time.
FOVEA_AVX2 std::size_t turn_hues_avx2(std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue, std::size_t count,
                                      int turn) {
  const Words zero = _mm256_setzero_si256(), turned = _mm256_set1_epi32(turn), fraction = _mm256_set1_epi32(0xFFFF);
  const char no = 0, yes = -1;
  std::size_t i = 0;
  for (; i + bytes / 2 <= count; i += bytes / 2) {
    const __m128i r = load_half(red + i), g = load_half(green + i), b = load_half(blue + i);
    const __m128i most = _mm_max_epu8(_mm_max_epu8(r, g), b), least = _mm_min_epu8(_mm_min_epu8(r, g), b);
    const Words span = _mm256_cvtepu8_epi16(_mm_sub_epi8(most, least));
    const __m128i is_red = _mm_cmpeq_epi8(most, r), is_green = _mm_cmpeq_epi8(most, g);
    const __m128i next = _mm_blendv_epi8(_mm_blendv_epi8(r, b, is_green), g, is_red);
    const __m128i last = _mm_blendv_epi8(_mm_blendv_epi8(g, r, is_green), b, is_red);
    const Words difference = _mm256_sub_epi16(_mm256_cvtepu8_epi16(next), _mm256_cvtepu8_epi16(last));
    const __m128i sector8 =
        _mm_blendv_epi8(_mm_blendv_epi8(_mm_set1_epi8(10), _mm_set1_epi8(8), is_green), _mm_set1_epi8(6), is_red);
    const Words sector = _mm256_cvtepu8_epi16(sector8), divisor = _mm256_max_epi16(span, all(1));
    // Numbers of 32 bits, with the sector in the upper half.
    const auto hue = [&](Words difference16, Words divisor32, Words sector16) FOVEA_AVX2 {
      const __m256 part = _mm256_div_ps(_mm256_cvtepi32_ps(difference16), _mm256_cvtepi32_ps(divisor32));
      return _mm256_add_epi32(_mm256_add_epi32(sector16, turned), _mm256_cvttps_epi32(part));
    };
    const Words hue_low = hue(_mm256_unpacklo_epi16(zero, difference), _mm256_unpacklo_epi16(divisor, zero),
                              _mm256_unpacklo_epi16(zero, sector));
    const Words hue_high = hue(_mm256_unpackhi_epi16(zero, difference), _mm256_unpackhi_epi16(divisor, zero),
                               _mm256_unpackhi_epi16(zero, sector));
    const __m128i at = packed(_mm256_packus_epi32(_mm256_srli_epi32(hue_low, 16), _mm256_srli_epi32(hue_high, 16)));
    const Words f = _mm256_packus_epi32(_mm256_and_si256(hue_low, fraction), _mm256_and_si256(hue_high, fraction));
    // f * span + 2^15 >> 16: the upper half of the product, and the carry of the lower one.
    const Words way = _mm256_add_epi16(_mm256_mulhi_epu16(f, span), _mm256_srli_epi16(_mm256_mullo_epi16(f, span), 15));
    const __m128i m = packed(way);
    const __m128i between =
        _mm_blendv_epi8(_mm_add_epi8(least, m), _mm_sub_epi8(most, m), by_sector(no, yes, no, yes, no, yes, at));
    const auto channel = [&](__m128i is_between, __m128i is_most) FOVEA_AVX2 {
      return _mm_blendv_epi8(_mm_blendv_epi8(least, between, is_between), most, is_most);
    };
    store_half(red + i, channel(by_sector(no, yes, no, no, yes, no, at), by_sector(yes, no, no, no, no, yes, at)));
    store_half(green + i, channel(by_sector(yes, no, no, yes, no, no, at), by_sector(no, yes, yes, no, no, no, at)));
    store_half(blue + i, channel(by_sector(no, no, yes, no, no, yes, at), by_sector(no, no, no, yes, yes, no, at)));
  }
  return i;
}

FOVEA_AVX2 std::size_t blend_columns_avx2(const std::uint8_t* row, const ColumnBlock* blocks, std::size_t count,
                                          std::uint16_t* out) {
  for (std::size_t k = 0; k < count; ++k) {
    const ColumnBlock& block = blocks[k];
    const __m128i pixels = load_half(row + block.begin);
    const __m128i near = _mm_shuffle_epi8(pixels, load_half(block.near_at));
    const __m128i far = _mm_shuffle_epi8(pixels, load_half(block.far_at));
    store_half(out + columns_of_block * k,
               _mm_add_epi16(_mm_mullo_epi16(near, load_half(block.near)), _mm_mullo_epi16(far, load_half(block.far))));
  }
  return columns_of_block * count;
}

// The product that adds up pairs takes numbers with a sign: 2^15 less, and the weights' sum times 2^15 more in the end.
FOVEA_AVX2 std::size_t blend_rows_avx2(const std::uint16_t* upper, const std::uint16_t* lower, int near, int far,
                                       std::size_t width, std::uint8_t* out) {
  const Words weights = _mm256_set1_epi32(near | far << 16), half_range = all(-32768);
  const Words rounding = _mm256_set1_epi32(((near + far) << 15) + (1 << 15));
  const auto sum = [&](Words pairs) FOVEA_AVX2 {
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(pairs, weights), rounding), 16);
  };
  std::size_t w = 0;
  for (; w + bytes / 2 <= width; w += bytes / 2) {
    const Words u = _mm256_xor_si256(load(upper + w), half_range), l = _mm256_xor_si256(load(lower + w), half_range);
    store_half(out + w,
               packed(_mm256_packus_epi32(sum(_mm256_unpacklo_epi16(u, l)), sum(_mm256_unpackhi_epi16(u, l)))));
  }
  return w;
}

}  // namespace

std::size_t blend(std::uint8_t* pixels, std::size_t count, int other, int factor) {
  return has_avx2() && fits(factor) ? blend_avx2(pixels, count, other, factor) : 0;
}
std::size_t saturate(std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue, std::size_t count, int factor) {
  return has_avx2() && fits(factor) ? saturate_avx2(red, green, blue, count, factor) : 0;
}
std::size_t add_greys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue, std::size_t count,
                      std::uint64_t& sum) {
  return has_avx2() ? add_greys_avx2(red, green, blue, count, sum) : 0;
}
std::size_t turn_hues(std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue, std::size_t count, int turn) {
  return has_avx2() ? turn_hues_avx2(red, green, blue, count, turn) : 0;
}
std::size_t blend_columns(const std::uint8_t* row, const ColumnBlock* blocks, std::size_t count, std::uint16_t* out) {
  return has_avx2() ? blend_columns_avx2(row, blocks, count, out) : 0;
}
std::size_t blend_rows(const std::uint16_t* upper, const std::uint16_t* lower, int near, int far, std::size_t width,
                       std::uint8_t* out) {
  return has_avx2() ? blend_rows_avx2(upper, lower, near, far, width, out) : 0;
}

}  // namespace fovea::lanes

#else

namespace fovea::lanes {

std::size_t blend(std::uint8_t*, std::size_t, int, int) { return 0; }
std::size_t saturate(std::uint8_t*, std::uint8_t*, std::uint8_t*, std::size_t, int) { return 0; }
std::size_t add_greys(const std::uint8_t*, const std::uint8_t*, const std::uint8_t*, std::size_t, std::uint64_t&) {
  return 0;
}
std::size_t turn_hues(std::uint8_t*, std::uint8_t*, std::uint8_t*, std::size_t, int) { return 0; }
std::size_t blend_columns(const std::uint8_t*, const ColumnBlock*, std::size_t, std::uint16_t*) { return 0; }
std::size_t blend_rows(const std::uint16_t*, const std::uint16_t*, int, int, std::size_t, std::uint8_t*) { return 0; }

}  // namespace fovea::lanes

#endif
