# The one list of devices that tests run on: every operation, all goldens, comparisons of nets, resumed runs. Each is a
# spec of core/backend/device_list.h; emu also names the order in which the threads of a block run. A device that this
# build or machine lacks is skipped with the reason.
set(FOVEA_TEST_DEVICES reference cpu emu:native@forward emu:native@reverse emu:native@shuffled cuda:native cuda:library)
# Operations with two native algorithms.
set(FOVEA_TEST_ALGORITHM_DEVICES ${FOVEA_TEST_DEVICES} emu:direct@forward emu:direct@reverse emu:direct@shuffled
    cuda:direct)
# The cpu device again, for the operations that it runs in several layouts: images are brought into one and back
# (tests/support/converted_backend.h).
set(FOVEA_TEST_LAYOUT_DEVICES cpu@nhwc cpu@nchw8c cpu@nchw16c)

# The native engine again, for the operations that have a form for images in NHWC (tests/support/nhwc_backend.h).
set(FOVEA_TEST_NHWC_DEVICES emu:native@reverse@nhwc emu:native@shuffled@nhwc cuda:native@nhwc)
# The same for conv2d, whose form for NHWC, on tensor cores, stores 16 bits; and for that of the library engine.
list(TRANSFORM FOVEA_TEST_NHWC_DEVICES APPEND 16 OUTPUT_VARIABLE FOVEA_TEST_NHWC16_DEVICES)
list(APPEND FOVEA_TEST_NHWC16_DEVICES cuda:library@nhwc16)
# Float32 in three products of tf32: linear layers, and convolutions, whose images lie in NHWC there.
set(FOVEA_TEST_FP32X3_DEVICES emu:native-fp32x3@reverse cuda:native-fp32x3)
list(TRANSFORM FOVEA_TEST_FP32X3_DEVICES APPEND @nhwc OUTPUT_VARIABLE FOVEA_TEST_FP32X3_NHWC_DEVICES)

# What is compared with the reference through the command line, by the device's bare name. A GPU has its own report
# (scripts/gpu_report.sh).
list(TRANSFORM FOVEA_TEST_DEVICES REPLACE ":.*" "" OUTPUT_VARIABLE FOVEA_TEST_COMPARED_DEVICES)
list(REMOVE_DUPLICATES FOVEA_TEST_COMPARED_DEVICES)
list(REMOVE_ITEM FOVEA_TEST_COMPARED_DEVICES reference cuda)
