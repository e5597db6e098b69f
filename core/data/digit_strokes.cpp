// SPDX-License-Identifier: Apache-2.0
#include "core/data/digit_strokes.h"

#include <array>

namespace fovea {
namespace {

constexpr bool lift = true;

// 0: one turn against the clock, round or narrow, closing short of its start or running past it.
constexpr StrokePoint zero_oval[] = {{.55f, .02f, .52f, .00f}, {.18f, .12f, .34f, .14f}, {.02f, .50f, .22f, .52f},
                                     {.16f, .88f, .30f, .88f}, {.50f, 1.0f, .48f, 1.0f}, {.86f, .84f, .68f, .86f},
                                     {.98f, .46f, .78f, .46f}, {.82f, .10f, .68f, .12f}, {.58f, .03f, .48f, .02f},
                                     {.48f, .03f, .36f, .10f}};
// ... starting at the upper right and ending in a hook.
constexpr StrokePoint zero_hook[] = {{.72f, .08f, .66f, .16f}, {.48f, .00f, .40f, .04f}, {.16f, .20f, .16f, .24f},
                                     {.04f, .60f, .08f, .66f}, {.24f, .96f, .28f, .98f}, {.62f, .94f, .62f, .94f},
                                     {.92f, .58f, .88f, .56f}, {.92f, .22f, .86f, .18f}, {.70f, .04f, .58f, .02f},
                                     {.50f, .10f, .38f, .16f}, {.44f, .18f, .42f, .26f}};

constexpr StrokePoint zero_wide[] = {
    {0.56f, 0.14f, 0.60f, 0.22f}, {0.24f, 0.18f, 0.26f, 0.24f}, {0.00f, 0.46f, 0.00f, 0.50f},
    {0.18f, 0.82f, 0.16f, 0.78f}, {0.54f, 0.88f, 0.50f, 0.80f}, {0.92f, 0.72f, 0.94f, 0.62f},
    {1.00f, 0.40f, 1.00f, 0.36f}, {0.78f, 0.16f, 0.80f, 0.20f}, {0.48f, 0.14f, 0.46f, 0.24f}};

// 1: a bare stroke; with a flag; with a flag and a foot.
constexpr StrokePoint one_bar[] = {
    {.50f, .00f, .56f, .00f}, {.50f, .35f, .50f, .35f}, {.50f, .68f, .47f, .68f}, {.50f, 1.0f, .48f, 1.0f}};
constexpr StrokePoint one_flag[] = {{.30f, .22f, .14f, .30f}, {.44f, .10f, .38f, .14f}, {.52f, .00f, .54f, .00f},
                                    {.52f, .00f, .54f, .00f}, {.52f, .40f, .53f, .40f}, {.51f, .70f, .52f, .70f},
                                    {.50f, 1.0f, .52f, 1.0f}};
constexpr StrokePoint one_foot[] = {{.28f, .22f, .12f, .28f}, {.52f, .00f, .52f, .00f},       {.52f, .00f, .52f, .00f},
                                    {.52f, .50f, .52f, .50f}, {.52f, .97f, .52f, .97f, lift}, {.22f, .99f, .12f, .98f},
                                    {.50f, .97f, .50f, .99f}, {.80f, .96f, .88f, 1.0f}};

// 2: a swan's neck and a base; with a loop at the turn; angular like a Z.
constexpr StrokePoint two_swan[] = {{.10f, .24f, .04f, .30f}, {.24f, .05f, .22f, .06f}, {.52f, .00f, .50f, .00f},
                                    {.78f, .12f, .76f, .10f}, {.78f, .36f, .80f, .30f}, {.56f, .62f, .58f, .58f},
                                    {.28f, .84f, .28f, .82f}, {.06f, .98f, .04f, .96f}, {.06f, .98f, .04f, .96f},
                                    {.36f, .96f, .36f, .98f}, {.64f, .96f, .64f, 1.0f}, {.92f, .95f, .96f, .96f}};
constexpr StrokePoint two_loop[] = {{.12f, .22f, .16f, .26f}, {.26f, .05f, .30f, .06f}, {.52f, .00f, .54f, .00f},
                                    {.76f, .14f, .74f, .12f}, {.74f, .38f, .72f, .36f}, {.54f, .64f, .54f, .62f},
                                    {.30f, .88f, .32f, .86f}, {.10f, .98f, .12f, .98f}, {.03f, .86f, .00f, .84f},
                                    {.16f, .76f, .14f, .70f}, {.36f, .82f, .38f, .78f}, {.60f, .96f, .62f, .92f},
                                    {.80f, 1.0f, .80f, .98f}, {.96f, .92f, .98f, .88f}};
constexpr StrokePoint two_angle[] = {{.08f, .10f, .12f, .16f}, {.34f, .02f, .38f, .02f}, {.66f, .02f, .72f, .03f},
                                     {.84f, .14f, .82f, .12f}, {.64f, .42f, .64f, .42f}, {.36f, .70f, .36f, .68f},
                                     {.06f, .98f, .10f, .94f}, {.06f, .98f, .10f, .94f}, {.50f, .96f, .54f, .96f},
                                     {.92f, .98f, .98f, .98f}};

constexpr StrokePoint two_bow[] = {
    {0.14f, 0.26f, 0.06f, 0.22f}, {0.30f, 0.06f, 0.26f, 0.04f}, {0.56f, 0.00f, 0.56f, 0.00f},
    {0.80f, 0.14f, 0.84f, 0.16f}, {0.78f, 0.40f, 0.80f, 0.42f}, {0.58f, 0.68f, 0.56f, 0.70f},
    {0.36f, 0.90f, 0.32f, 0.92f}, {0.14f, 0.98f, 0.12f, 0.98f}, {0.00f, 0.86f, 0.00f, 0.82f},
    {0.08f, 0.68f, 0.10f, 0.62f}, {0.30f, 0.66f, 0.32f, 0.62f}, {0.48f, 0.80f, 0.50f, 0.78f},
    {0.66f, 0.96f, 0.68f, 0.94f}, {0.84f, 0.99f, 0.86f, 0.98f}, {1.00f, 0.90f, 1.00f, 0.90f}};

// 3: two bowls, the pen turning back between them; with a flat top.
constexpr StrokePoint three_bowls[] = {{.16f, .12f, .12f, .20f}, {.42f, .00f, .40f, .00f}, {.72f, .08f, .76f, .12f},
                                       {.72f, .30f, .74f, .34f}, {.50f, .44f, .44f, .48f}, {.38f, .46f, .30f, .50f},
                                       {.52f, .48f, .50f, .50f}, {.80f, .60f, .84f, .64f}, {.80f, .84f, .84f, .86f},
                                       {.52f, 1.0f, .50f, 1.0f}, {.22f, .97f, .22f, .97f}, {.06f, .86f, .04f, .80f}};
constexpr StrokePoint three_corner[] = {{.18f, .08f, .14f, .14f}, {.40f, .01f, .40f, .02f}, {.66f, .06f, .70f, .08f},
                                        {.68f, .24f, .70f, .28f}, {.52f, .40f, .50f, .42f}, {.34f, .47f, .26f, .48f},
                                        {.34f, .47f, .26f, .48f}, {.62f, .50f, .60f, .46f}, {.80f, .68f, .84f, .62f},
                                        {.70f, .90f, .74f, .86f}, {.40f, 1.0f, .44f, 1.0f}, {.06f, .94f, .02f, .96f}};
constexpr StrokePoint three_flat[] = {{.12f, .06f, .08f, .04f}, {.44f, .03f, .44f, .02f}, {.78f, .01f, .80f, .03f},
                                      {.78f, .01f, .80f, .03f}, {.58f, .22f, .60f, .20f}, {.38f, .42f, .36f, .40f},
                                      {.38f, .42f, .36f, .40f}, {.70f, .48f, .72f, .48f}, {.84f, .70f, .86f, .70f},
                                      {.66f, .94f, .66f, .94f}, {.36f, 1.0f, .36f, .98f}, {.06f, .90f, .04f, .88f}};

// 4: open, with the long stroke crossing; closed like a sail; a cup with a stem.
constexpr StrokePoint four_open[] = {{.30f, .00f, .18f, .04f},       {.20f, .26f, .10f, .28f}, {.06f, .52f, .02f, .54f},
                                     {.06f, .52f, .02f, .54f},       {.34f, .54f, .36f, .56f}, {.62f, .52f, .66f, .56f},
                                     {.94f, .48f, .96f, .54f, lift}, {.70f, .06f, .64f, .10f}, {.62f, .38f, .62f, .40f},
                                     {.54f, .68f, .60f, .70f},       {.46f, 1.0f, .58f, 1.0f}};
constexpr StrokePoint four_sail[] = {{.66f, .00f, .58f, .00f}, {.36f, .32f, .30f, .34f}, {.04f, .66f, .02f, .64f},
                                     {.04f, .66f, .02f, .64f}, {.34f, .66f, .36f, .66f}, {.92f, .64f, .94f, .66f, lift},
                                     {.66f, .02f, .60f, .02f}, {.64f, .36f, .60f, .36f}, {.60f, .70f, .58f, .70f},
                                     {.58f, 1.0f, .58f, 1.0f}};
constexpr StrokePoint four_cup[] = {{.14f, .04f, .10f, .06f}, {.08f, .26f, .06f, .28f}, {.12f, .46f, .14f, .46f},
                                    {.36f, .54f, .36f, .54f}, {.62f, .46f, .60f, .46f}, {.80f, .32f, .70f, .30f, lift},
                                    {.82f, .00f, .72f, .02f}, {.78f, .34f, .70f, .36f}, {.72f, .66f, .68f, .68f},
                                    {.66f, 1.0f, .66f, 1.0f}};

// 5: the body and then the bar; in one stroke; a curve without corners.
constexpr StrokePoint five_bar[] = {{.24f, .04f, .30f, .04f}, {.20f, .24f, .24f, .22f}, {.16f, .42f, .18f, .42f},
                                    {.16f, .42f, .18f, .42f}, {.46f, .38f, .44f, .38f}, {.76f, .50f, .72f, .54f},
                                    {.80f, .76f, .76f, .78f}, {.52f, .98f, .48f, .98f}, {.06f, .94f, .02f, .90f, lift},
                                    {.24f, .04f, .30f, .04f}, {.54f, .02f, .60f, .04f}, {.86f, .02f, 1.0f, .00f}};
constexpr StrokePoint five_line[] = {{.86f, .02f, .96f, .04f}, {.58f, .04f, .62f, .04f}, {.30f, .05f, .30f, .06f},
                                     {.30f, .05f, .30f, .06f}, {.24f, .22f, .22f, .24f}, {.16f, .42f, .14f, .46f},
                                     {.16f, .42f, .14f, .46f}, {.46f, .38f, .44f, .44f}, {.74f, .54f, .68f, .58f},
                                     {.72f, .82f, .66f, .84f}, {.42f, 1.0f, .38f, .98f}, {.04f, .92f, .02f, .92f}};
constexpr StrokePoint five_snake[] = {{.94f, .02f, .86f, .06f}, {.62f, .02f, .54f, .02f}, {.34f, .10f, .26f, .12f},
                                      {.22f, .30f, .16f, .30f}, {.44f, .44f, .38f, .46f}, {.68f, .58f, .68f, .60f},
                                      {.70f, .82f, .72f, .84f}, {.42f, 1.0f, .40f, 1.0f}, {.06f, .94f, .06f, .90f}};

// 6: a falling curve that ends in a loop, large or small.
constexpr StrokePoint six_curve[] = {{.66f, .00f, .62f, .00f}, {.40f, .18f, .38f, .16f}, {.16f, .46f, .20f, .44f},
                                     {.08f, .76f, .12f, .74f}, {.28f, .98f, .28f, .98f}, {.62f, .94f, .56f, .94f},
                                     {.80f, .72f, .68f, .78f}, {.64f, .52f, .56f, .62f}, {.36f, .58f, .34f, .66f},
                                     {.14f, .76f, .16f, .80f}};
constexpr StrokePoint six_stem[] = {{.34f, .00f, .42f, .00f}, {.20f, .26f, .26f, .28f}, {.10f, .52f, .14f, .56f},
                                    {.12f, .82f, .14f, .84f}, {.36f, 1.0f, .36f, 1.0f}, {.66f, .92f, .64f, .92f},
                                    {.76f, .70f, .74f, .72f}, {.58f, .54f, .58f, .56f}, {.30f, .62f, .32f, .62f},
                                    {.16f, .80f, .14f, .78f}};
constexpr StrokePoint six_wide[] = {{.74f, .06f, .82f, .10f}, {.52f, .02f, .58f, .00f}, {.22f, .24f, .26f, .20f},
                                    {.06f, .60f, .04f, .56f}, {.20f, .94f, .20f, .92f}, {.54f, 1.0f, .56f, 1.0f},
                                    {.84f, .82f, .88f, .78f}, {.78f, .54f, .80f, .54f}, {.46f, .48f, .48f, .50f},
                                    {.16f, .68f, .14f, .68f}};

constexpr StrokePoint six_bowl[] = {{0.20f, 0.00f, 0.28f, 0.00f}, {0.06f, 0.34f, 0.12f, 0.32f},
                                    {0.02f, 0.66f, 0.06f, 0.66f}, {0.18f, 0.94f, 0.22f, 0.94f},
                                    {0.50f, 1.00f, 0.52f, 1.00f}, {0.84f, 0.86f, 0.86f, 0.84f},
                                    {0.92f, 0.60f, 0.86f, 0.56f}, {0.68f, 0.44f, 0.62f, 0.44f},
                                    {0.36f, 0.54f, 0.34f, 0.52f}, {0.18f, 0.76f, 0.14f, 0.70f}};

// 7: bar and stem; a serif first; a crossed stem; without a corner.
constexpr StrokePoint seven_plain[] = {{.06f, .08f, .02f, .04f}, {.42f, .06f, .40f, .05f}, {.82f, .02f, .84f, .06f},
                                       {.82f, .02f, .84f, .06f}, {.66f, .34f, .64f, .32f}, {.50f, .66f, .50f, .62f},
                                       {.38f, 1.0f, .42f, 1.0f}};
constexpr StrokePoint seven_serif[] = {{.10f, .26f, .06f, .30f}, {.12f, .08f, .10f, .10f}, {.12f, .08f, .10f, .10f},
                                       {.46f, .06f, .44f, .04f}, {.82f, .03f, .80f, .06f}, {.82f, .03f, .80f, .06f},
                                       {.64f, .40f, .68f, .36f}, {.50f, .72f, .60f, .70f}, {.44f, 1.0f, .56f, 1.0f}};
constexpr StrokePoint seven_crossed[] = {
    {.08f, .08f, .04f, .12f}, {.44f, .05f, .44f, .06f}, {.84f, .02f, .86f, .02f},       {.84f, .02f, .86f, .02f},
    {.62f, .36f, .62f, .34f}, {.46f, .68f, .44f, .66f}, {.34f, 1.0f, .34f, 1.0f, lift}, {.26f, .54f, .18f, .56f},
    {.54f, .52f, .52f, .53f}, {.82f, .50f, .86f, .52f}};
constexpr StrokePoint seven_round[] = {{.08f, .16f, .10f, .22f}, {.30f, .06f, .30f, .08f}, {.62f, .02f, .58f, .02f},
                                       {.80f, .12f, .78f, .16f}, {.72f, .42f, .74f, .44f}, {.56f, .72f, .62f, .74f},
                                       {.40f, 1.0f, .48f, 1.0f}};

// 8: an S closed by a rising stroke; two rings; starting in the middle.
constexpr StrokePoint eight_curve[] = {{.76f, .16f, .80f, .20f}, {.52f, .01f, .54f, .02f}, {.24f, .14f, .26f, .14f},
                                       {.28f, .36f, .32f, .36f}, {.54f, .52f, .54f, .52f}, {.74f, .72f, .70f, .74f},
                                       {.62f, .95f, .56f, .96f}, {.34f, .97f, .28f, .96f}, {.18f, .78f, .16f, .78f},
                                       {.38f, .54f, .38f, .54f}, {.64f, .36f, .64f, .38f}, {.80f, .14f, .86f, .12f}};
constexpr StrokePoint eight_rings[] = {
    {.52f, .00f, .50f, .02f}, {.26f, .10f, .28f, .12f}, {.24f, .32f, .26f, .32f},       {.50f, .46f, .50f, .46f},
    {.74f, .34f, .74f, .32f}, {.74f, .10f, .74f, .12f}, {.50f, .00f, .48f, .02f, lift}, {.50f, .47f, .50f, .46f},
    {.22f, .60f, .22f, .60f}, {.18f, .86f, .18f, .84f}, {.48f, 1.0f, .48f, 1.0f},       {.80f, .88f, .82f, .86f},
    {.80f, .62f, .80f, .62f}, {.50f, .47f, .52f, .46f}};
constexpr StrokePoint eight_twist[] = {{.50f, .48f, .52f, .46f}, {.28f, .32f, .30f, .32f}, {.28f, .10f, .34f, .10f},
                                       {.54f, .00f, .58f, .00f}, {.78f, .12f, .80f, .12f}, {.72f, .32f, .72f, .32f},
                                       {.46f, .50f, .44f, .52f}, {.20f, .72f, .18f, .74f}, {.24f, .94f, .20f, .96f},
                                       {.52f, 1.0f, .46f, 1.0f}, {.76f, .86f, .70f, .86f}, {.70f, .64f, .68f, .64f},
                                       {.46f, .46f, .46f, .42f}};

constexpr StrokePoint eight_open[] = {
    {0.84f, 0.06f, 0.90f, 0.12f}, {0.56f, 0.00f, 0.60f, 0.00f}, {0.26f, 0.12f, 0.26f, 0.14f},
    {0.30f, 0.36f, 0.28f, 0.36f}, {0.56f, 0.52f, 0.56f, 0.54f}, {0.76f, 0.74f, 0.70f, 0.76f},
    {0.60f, 0.96f, 0.52f, 0.98f}, {0.32f, 0.98f, 0.24f, 0.96f}, {0.20f, 0.80f, 0.18f, 0.80f},
    {0.40f, 0.58f, 0.40f, 0.60f}, {0.62f, 0.42f, 0.62f, 0.44f}, {0.72f, 0.30f, 0.76f, 0.26f}};

// 9: a ring and a stem, straight, bent or hooked.
constexpr StrokePoint nine_straight[] = {{.76f, .14f, .72f, .10f}, {.48f, .01f, .46f, .02f}, {.18f, .14f, .18f, .16f},
                                         {.16f, .38f, .14f, .38f}, {.42f, .50f, .36f, .50f}, {.70f, .34f, .62f, .36f},
                                         {.78f, .12f, .74f, .12f}, {.76f, .36f, .72f, .40f}, {.72f, .68f, .68f, .70f},
                                         {.70f, 1.0f, .64f, 1.0f}};
constexpr StrokePoint nine_bent[] = {{.74f, .16f, .70f, .14f}, {.50f, .00f, .50f, .02f}, {.20f, .16f, .24f, .16f},
                                     {.18f, .38f, .20f, .36f}, {.42f, .48f, .40f, .44f}, {.68f, .32f, .64f, .30f},
                                     {.76f, .14f, .72f, .12f}, {.72f, .40f, .66f, .42f}, {.56f, .74f, .48f, .72f},
                                     {.36f, 1.0f, .28f, 1.0f}};
constexpr StrokePoint nine_hook[] = {{.76f, .14f, .78f, .14f}, {.50f, .00f, .54f, .00f}, {.20f, .14f, .26f, .14f},
                                     {.18f, .36f, .22f, .36f}, {.44f, .48f, .46f, .46f}, {.70f, .34f, .74f, .30f},
                                     {.78f, .16f, .80f, .12f}, {.78f, .46f, .80f, .46f}, {.72f, .80f, .74f, .78f},
                                     {.48f, 1.0f, .50f, 1.0f}, {.18f, .94f, .14f, .92f}};

constexpr std::array styles{
    WritingStyle{0, 3, zero_oval},      WritingStyle{0, 1, zero_hook},        WritingStyle{0, .4f, zero_wide},
    WritingStyle{1, 8, one_bar},        WritingStyle{1, 1.5f, one_flag},      WritingStyle{1, .8f, one_foot},
    WritingStyle{2, 2, two_swan},       WritingStyle{2, 2, two_loop},         WritingStyle{2, 1, two_angle},
    WritingStyle{2, 1, two_bow},        WritingStyle{3, 3, three_bowls},      WritingStyle{3, 2, three_corner},
    WritingStyle{3, .7f, three_flat},   WritingStyle{4, 3, four_open},        WritingStyle{4, 1, four_sail},
    WritingStyle{4, 2, four_cup},       WritingStyle{5, 2, five_bar},         WritingStyle{5, 2, five_line},
    WritingStyle{5, 1.5f, five_snake},  WritingStyle{6, 2, six_curve},        WritingStyle{6, 2, six_stem},
    WritingStyle{6, 1, six_wide},       WritingStyle{6, 1, six_bowl},         WritingStyle{7, 3, seven_plain},
    WritingStyle{7, 1.5f, seven_serif}, WritingStyle{7, 1.6f, seven_crossed}, WritingStyle{7, 1.5f, seven_round},
    WritingStyle{8, 3, eight_curve},    WritingStyle{8, 1, eight_rings},      WritingStyle{8, 1.5f, eight_twist},
    WritingStyle{8, 1.5f, eight_open},  WritingStyle{9, 2, nine_straight},    WritingStyle{9, 2, nine_bent},
    WritingStyle{9, 1, nine_hook}};

}  // namespace

std::span<const WritingStyle> writing_styles() { return styles; }

}  // namespace fovea
