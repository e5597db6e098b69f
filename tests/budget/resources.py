# SPDX-License-Identifier: Apache-2.0
"""What the kernels of a compiled CUDA library take, read with the toolkit's cuobjdump and binutils' c++filt.

Registers, stack and shared memory are in `cuobjdump --dump-resource-usage`; launch bounds are not, and listing whole
cubins takes a minute, so they are read from the sections .nv.info of the cubins that --extract-elf writes. Dynamic
shared memory is no property of a kernel: launch() checks it each time, on emu too (cuda/runtime/launch_check.h).
"""
import collections
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Bytes, and registers per thread; `shared` is static, with what the architecture reserves where it reserves (1 KiB from
# sm_90 on, in kernels that use any); `threads` is the launch bound, None without one.
Usage = collections.namedtuple("Usage", "registers stack shared local threads")


class BudgetError(Exception):
    """A tool is missing or says what nobody understands; the message says which."""


class MissingTool(BudgetError):
    """cuobjdump is not installed."""


def run(command, **options):
    try:
        ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    except OSError as error:
        raise BudgetError(f"{command[0]}: {error.strerror}") from error
    if ran.returncode != 0:
        raise BudgetError(f"{' '.join(str(part) for part in command)}: exit {ran.returncode}: {ran.stderr.strip()}")
    return ran.stdout


def nvcc_version(nvcc):
    """"13.0.88" of what `nvcc --version` prints."""
    text = run([nvcc, "--version"])
    found = re.search(r"\bV(\d+\.\d+\.\d+)", text)
    if not found:
        raise BudgetError(f"{nvcc} --version: expected a version such as V13.0.88, got '{text.strip()}'")
    return found.group(1)


def find_cuobjdump(nvcc):
    """The one of nvcc's toolkit, of PATH, or what scripts/fetch_cuobjdump.sh fetched, in that order."""
    where = pathlib.Path(shutil.which(str(nvcc)) or nvcc)
    for candidate in [where.parent / "cuobjdump", where.resolve().parent / "cuobjdump", shutil.which("cuobjdump"),
                      ROOT / "third_party" / "cuobjdump" / "cuobjdump"]:
        if candidate and pathlib.Path(candidate).is_file():
            return pathlib.Path(candidate)
    raise MissingTool("no cuobjdump beside nvcc, on PATH or in third_party (scripts/fetch_cuobjdump.sh fetches it)")


TYPES = {"float": "f32", "double": "f64", "bf16_t": "bf16", "f16_t": "f16", "unsigned char": "u8",
         "unsigned short": "u16", "int": "i32", "unsigned int": "u32", "long": "i64", "unsigned long": "u64"}
TYPE = re.compile(r"\b(" + "|".join(sorted(TYPES, key=len, reverse=True)) + r")\b")


def short_name(demangled):
    """`void fovea::cuda::relu_forward_kernel<fovea::bf16_t>(long, ...)` is relu_forward<bf16>. Enumerators are numbers,
    as compilers print them; names do not depend on nvcc's version."""
    text = re.sub(r"\([\w:]+\)(?=-?\d)", "", demangled.replace("(anonymous namespace)::", ""))  # casts to enumerations
    text = text[:text.index("(")] if "(" in text else text
    text = re.sub(r"\w+::", "", text.removeprefix("void "))
    function, bracket, arguments = text.partition("<")
    return function.removesuffix("_kernel") + bracket + TYPE.sub(lambda found: TYPES[found.group(1)], arguments)


def demangle(names):
    """{mangled: short}."""
    names = list(names)
    lines = run(["c++filt"], input="".join(name + "\n" for name in names)).splitlines()
    if len(lines) != len(names):
        raise BudgetError(f"c++filt: expected {len(names)} lines, got {len(lines)}")
    return {name: short_name(line) for name, line in zip(names, lines)}


def resource_usage(text):
    """Yields (architecture, mangled name, {"REG": ..., "STACK": ..., ...}) of what --dump-resource-usage printed."""
    architecture = function = None
    for line in text.splitlines():
        if found := re.match(r"arch = (\w+)$", line):
            architecture = found.group(1)
        elif found := re.match(r"\s*Function (\S+):$", line):
            function = found.group(1)
        elif function:
            values = {name: int(value) for name, value in re.findall(r"(\w+)(?:\[\d+\])?:(\d+)", line)}
            missing = {"REG", "STACK", "SHARED", "LOCAL"} - values.keys()
            if missing or not architecture:
                raise BudgetError(f"cuobjdump --dump-resource-usage: {function}: expected an architecture, and "
                                  f"REG, STACK, SHARED and LOCAL, got '{line.strip()}'")
            yield architecture, function, values
            function = None


EIFMT_SVAL, EIATTR_MAX_THREADS = 4, 5  # `cuobjdump --dump-elf` calls them so


def launch_bounds(cubin):
    """{mangled name: threads} of the kernels that have __launch_bounds__ in a cubin, which is a 64-bit ELF file."""
    if cubin[:5] != b"\x7fELF\x02":
        raise BudgetError("cuobjdump --extract-elf: expected 64-bit ELF files")
    table, = struct.unpack_from("<Q", cubin, 0x28)
    size, count, names = struct.unpack_from("<HHH", cubin, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", cubin, table + size * i) for i in range(count)]
    bounds = {}
    for name, _, _, _, offset, length in sections:
        start = sections[names][4] + name
        name = cubin[start:cubin.index(b"\0", start)].decode()
        if not name.startswith(".nv.info."):
            continue
        at, end = offset, offset + length
        while at + 4 <= end:
            form, attribute, value = struct.unpack_from("<BBH", cubin, at)
            at += 4
            if form != EIFMT_SVAL:
                continue
            if attribute == EIATTR_MAX_THREADS:
                x, y, z = struct.unpack_from("<III", cubin, at)
                bounds[name.removeprefix(".nv.info.")] = x * y * z
            at += value
    return bounds


def read_library(library, cuobjdump):
    """{architecture: {short name: Usage}}. A name that two kernels would share is an error."""
    library = pathlib.Path(library).resolve()
    found = list(resource_usage(run([cuobjdump, "--dump-resource-usage", library])))
    if not found:
        raise BudgetError(f"{library.name}: cuobjdump finds no kernel in it")
    bounds = {}
    with tempfile.TemporaryDirectory() as folder:
        run([cuobjdump, "--extract-elf", "all", library], cwd=folder)
        for cubin in pathlib.Path(folder).glob("*.cubin"):
            architecture = re.search(r"(sm_\w+)\.cubin$", cubin.name)
            if not architecture:
                raise BudgetError(f"cuobjdump --extract-elf: expected an architecture in the name, got '{cubin.name}'")
            for name, threads in launch_bounds(cubin.read_bytes()).items():
                bounds[architecture.group(1), name] = threads
    names = demangle(sorted({name for _, name, _ in found}))
    library_usage, seen = {}, {}
    for architecture, name, values in found:
        usage = Usage(values["REG"], values["STACK"], values["SHARED"], values["LOCAL"],
                      bounds.get((architecture, name)))
        if seen.setdefault((architecture, names[name]), (name, usage)) != (name, usage):
            raise BudgetError(f"{architecture} {names[name]}: two kernels have this name, {name} is one of them")
        library_usage.setdefault(architecture, {})[names[name]] = usage
    return library_usage
