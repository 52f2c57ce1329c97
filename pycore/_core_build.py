"""Builds the cffi module ``pycore._core`` (API mode, limited API). Used by ``setup.py`` alone, never at run time.

``csrc/pycore.h`` is the only declaration of the C interface: the compiler includes it and cffi reads the same text
without its preprocessor lines.
"""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

# setuptools runs this file with exec(), with __file__ set to the path given in setup.py
CSRC = Path(__file__).resolve().parent.parent / "csrc"


def cdef_text(header: str) -> str:
    """The header without what is for C++ and without preprocessor lines: what cffi may read."""
    header = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", header, flags=re.MULTILINE | re.DOTALL)
    return "".join(line for line in header.splitlines(keepends=True) if not line.startswith("#"))


# The only C that knows Python, outside of csrc for that reason: a list of bytes as one buffer and the places in it.
# cffi would let the GIL go around the call, so ``pycore/base/ffi_lists.py`` calls it by ctypes.PyDLL, which keeps it:
# nothing can change the list, and no other thread has to give the GIL back. Only MemoryError is ever left set.
LISTS = r"""
#ifdef _WIN32
#    define PYCORE_EXPORT __declspec(dllexport)
#else
#    define PYCORE_EXPORT __attribute__((visibility("default")))
#endif

/* Without a GIL a borrowed item may vanish: those builds hold it while it is read. */
static PyObject *list_item(PyObject *list, Py_ssize_t i) {
#ifdef Py_GIL_DISABLED
    return PyList_GetItemRef(list, i);
#else
    PyObject *item = PyList_GetItem(list, i);
    Py_XINCREF(item);
    return item;
#endif
}

/* Items lie anywhere, so each is a wait for memory: those of soon are asked for now. */
static void list_ahead(PyObject *list, Py_ssize_t i, Py_ssize_t n) {
#if defined(__GNUC__) && !defined(Py_GIL_DISABLED)
    enum { AHEAD = 24 };
    if (i + AHEAD >= n) return;
    const char *item = (const char *)PyList_GetItem(list, i + AHEAD);
    __builtin_prefetch(item);
    __builtin_prefetch(item + 64);
#else
    (void)list, (void)i, (void)n;
#endif
}

/* (data, offsets) of a list of bytes, as two bytes objects; None where an item is none, or the list does not stay as it
 * is; NULL and MemoryError. offsets: int64 in this machine's order, one more than there are items. */
PYCORE_EXPORT PyObject *pycore_list_rows(PyObject *list) {
    const Py_ssize_t n = PyList_Size(list);
    PyObject *data = NULL, *places = NULL, *result = NULL;
    int64_t total = 0, *offsets;
    char *to;
    if (n < 0) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    if (!(places = PyBytes_FromStringAndSize(NULL, (n + 1) * (Py_ssize_t)sizeof *offsets))) return NULL;
    offsets = (int64_t *)(void *)PyBytes_AsString(places);
    offsets[0] = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        list_ahead(list, i, n);
        PyObject *item = list_item(list, i);
        const int fits = item && PyBytes_CheckExact(item);
        const int64_t size = fits ? (int64_t)PyBytes_Size(item) : 0;
        Py_XDECREF(item);
        if (!fits || size > INT64_MAX / 2 - total) goto other;
        total += size;
        offsets[i + 1] = total;
    }
    if (!(data = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)total))) goto done;
    to = PyBytes_AsString(data);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = list_item(list, i);
        const Py_ssize_t size = (Py_ssize_t)(offsets[i + 1] - offsets[i]);
        const int same = item && PyBytes_CheckExact(item) && PyBytes_Size(item) == size;
        if (same) memcpy(to + offsets[i], PyBytes_AsString(item), (size_t)size);
        Py_XDECREF(item);
        if (!same) goto other;
    }
    result = PyTuple_Pack(2, data, places);
    goto done;
other:
    PyErr_Clear();
    result = Py_None;
    Py_INCREF(result);
done:
    Py_XDECREF(data);
    Py_XDECREF(places);
    return result;
}
"""

ffi = FFI()
ffi.cdef(cdef_text((CSRC / "pycore.h").read_text(encoding="utf-8")))
ffi.set_source(
    "pycore._core",
    '#include "pycore.h"\n' + LISTS,
    include_dirs=["csrc"],
    py_limited_api=True,
    # the libraries are relinked whenever anything below csrc changes
    depends=[str(p.relative_to(CSRC.parent)) for p in sorted(CSRC.rglob("*")) if p.suffix in {".h", ".c", ".def"}],
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
