/* The type Caller of pycore._http2: csrc/http2/caller.h for a thread that waits for its answer.
 *
 *     Caller(headers, message)          one connection, one call at a time
 *         .begin(head, body)            a call
 *         .run(fd, seconds)             over a socket, without the GIL: OVER, LATE or GONE
 *         .collect(), .receive(data)    the same over anything else
 *         .answer()                     (head, message, tail, flags, code)
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <nghttp2/nghttp2.h>
#include <time.h>

#include "caller.h"

int http2_add_caller(PyObject *module);

typedef struct {
    PyObject_HEAD h2_caller *caller;
    PyObject *body; /* of the call that is open */
    int busy;       /* without the GIL */
} Caller;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static PyObject *caller_new(PyTypeObject *type, PyObject *args, PyObject *names) {
    unsigned headers, message;
    if (names && PyDict_Size(names)) return PyErr_Format(PyExc_TypeError, "Caller takes no names");
    if (!PyArg_ParseTuple(args, "II", &headers, &message)) return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Caller *self = (Caller *)alloc(type, 0);
    if (self && !(self->caller = h2_caller_open(headers, message))) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void caller_dealloc(PyObject *object) {
    Caller *self = (Caller *)object;
    PyTypeObject *type = Py_TYPE(object);
    h2_caller_close(self->caller);
    Py_XDECREF(self->body);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* The connection; NULL, and an error, while a thread is inside of `run`. */
static h2_caller *idle(PyObject *object) {
    Caller *self = (Caller *)object;
    if (!self->busy) return self->caller;
    PyErr_SetString(PyExc_RuntimeError, "another thread is in a call of this connection");
    return NULL;
}

static PyObject *caller_begin(PyObject *object, PyObject *args) {
    Caller *self = (Caller *)object;
    PyObject *head, *body;
    char *head_bytes, *body_bytes;
    Py_ssize_t head_size, body_size;
    h2_caller *c = idle(object);
    if (!c || !PyArg_ParseTuple(args, "SS", &head, &body)) return NULL;
    if (PyBytes_AsStringAndSize(head, &head_bytes, &head_size) || PyBytes_AsStringAndSize(body, &body_bytes, &body_size))
        return NULL;
    const int error = h2_caller_begin(c, head_bytes, (size_t)head_size, (const uint8_t *)body_bytes, (size_t)body_size);
    if (error == H2_NO_FORM)
        return PyErr_Format(PyExc_ValueError,
                            "head, body: got %zd and %zd bytes, wanted the form name NUL value NUL of at most 64 fields and "
                            "60,000 bytes, and less than 4 GiB",
                            head_size, body_size);
    if (error) return PyErr_Format(PyExc_RuntimeError, "a call is open, or the connection carries no more");
    PyObject *before = self->body;
    Py_INCREF(body);
    self->body = body;
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static PyObject *caller_run(PyObject *object, PyObject *args) {
    Caller *self = (Caller *)object;
    int fd;
    double seconds;
    h2_outcome outcome;
    if (!PyArg_ParseTuple(args, "id", &fd, &seconds)) return NULL; /* may run other code, so it comes first */
    h2_caller *c = idle(object);
    if (!c) return NULL;
    const double until = seconds < 0 ? -1 : now_s() + seconds;
    self->busy = 1;
    do {
        Py_BEGIN_ALLOW_THREADS;
        outcome = h2_caller_run(c, fd, until);
        Py_END_ALLOW_THREADS;
        if (outcome == H2_INTERRUPTED && PyErr_CheckSignals()) {
            self->busy = 0;
            return NULL;
        }
    } while (outcome == H2_INTERRUPTED);
    self->busy = 0;
    return PyLong_FromLong(outcome);
}

static PyObject *caller_peek(PyObject *object, PyObject *args) {
    int fd;
    if (!PyArg_ParseTuple(args, "i", &fd)) return NULL;
    h2_caller *c = idle(object);
    if (!c) return NULL;
    return PyBool_FromLong(h2_caller_look(c, fd));
}

static PyObject *caller_collect(PyObject *object, PyObject *ignored) {
    size_t size;
    h2_caller *c = idle(object);
    (void)ignored;
    if (!c) return NULL;
    const uint8_t *bytes = h2_caller_collect(c, &size);
    if (!bytes) Py_RETURN_NONE;
    return PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)size);
}

static PyObject *caller_receive(PyObject *object, PyObject *data) {
    char *bytes;
    Py_ssize_t size;
    h2_caller *c = idle(object);
    if (!c || PyBytes_AsStringAndSize(data, &bytes, &size)) return NULL;
    if (h2_caller_receive(c, (const uint8_t *)bytes, (size_t)size))
        return PyErr_Format(PyExc_ValueError, "what came is no HTTP/2 of a server: %s", h2_caller_why(c));
    Py_RETURN_NONE;
}

static PyObject *caller_reset(PyObject *object, PyObject *args) {
    unsigned code;
    if (!PyArg_ParseTuple(args, "I", &code)) return NULL;
    h2_caller *c = idle(object);
    if (!c) return NULL;
    h2_caller_reset(c, code);
    Py_RETURN_NONE;
}

static PyObject *caller_answer(PyObject *object, PyObject *ignored) {
    Caller *self = (Caller *)object;
    h2_answer a;
    h2_caller *c = idle(object);
    (void)ignored;
    if (!c) return NULL;
    if (!h2_caller_over(c) || !self->body) {
        PyErr_SetString(PyExc_RuntimeError, "no call is over");
        return NULL;
    }
    h2_caller_answer(c, &a);
    PyObject *answer = Py_BuildValue("y#y#y#II", a.head, (Py_ssize_t)a.head_size, (const char *)a.message,
                                     (Py_ssize_t)a.message_size, a.tail, (Py_ssize_t)a.tail_size, a.flags, (unsigned)a.code);
    h2_caller_taken(c);
    Py_CLEAR(self->body);
    return answer;
}

static PyObject *flag(PyObject *object, int (*of)(const h2_caller *)) {
    h2_caller *c = idle(object);
    return c ? PyBool_FromLong(of(c)) : NULL;
}
static PyObject *caller_over(PyObject *o, void *_) { return (void)_, flag(o, h2_caller_over); }
static PyObject *caller_usable(PyObject *o, void *_) { return (void)_, flag(o, h2_caller_usable); }
static PyObject *caller_unsent(PyObject *o, void *_) { return (void)_, flag(o, h2_caller_unsent); }
static PyObject *caller_answered(PyObject *o, void *_) { return (void)_, flag(o, h2_caller_answered); }
static PyObject *caller_error(PyObject *o, void *_) {
    h2_caller *c = idle(o);
    (void)_;
    return c ? PyLong_FromLong(h2_caller_error(c)) : NULL;
}

static PyMethodDef caller_methods[] = {
    {"begin", caller_begin, METH_VARARGS, "A call: header list (name NUL value NUL ...), message."},
    {"run", caller_run, METH_VARARGS, "Sends and receives over a socket: OVER, LATE or GONE."},
    {"peek", caller_peek, METH_VARARGS, "Takes what came on a socket between two calls; whether it carries another one."},
    {"collect", caller_collect, METH_NOARGS, "Bytes for the peer, or None."},
    {"receive", caller_receive, METH_O, "Bytes of the peer; ValueError: the connection is at its end."},
    {"answer", caller_answer, METH_NOARGS, "(head, message, tail, flags, code) of the call that is over."},
    {"reset", caller_reset, METH_VARARGS, "Ends the call with an error code."},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef caller_gets[] = {
    {"over", caller_over, NULL, "Whether the call is over.", NULL},
    {"usable", caller_usable, NULL, "Whether another call may begin.", NULL},
    {"unsent", caller_unsent, NULL, "Whether the peer cannot have begun with the call.", NULL},
    {"answered", caller_answered, NULL, "Whether anything of an answer has come.", NULL},
    {"error", caller_error, NULL, "errno of the socket, or 0.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot caller_slots[] = {
    {Py_tp_doc, "Caller(headers, message): one gRPC connection of a client, which carries one call at a time."},
    {Py_tp_new, (void *)caller_new},
    {Py_tp_dealloc, (void *)caller_dealloc},
    {Py_tp_methods, caller_methods},
    {Py_tp_getset, caller_gets},
    {0, NULL},
};
static PyType_Spec caller_spec = {"pycore._http2.Caller", sizeof(Caller), 0, Py_TPFLAGS_DEFAULT, caller_slots};

int http2_add_caller(PyObject *module) {
    if (PyModule_AddIntConstant(module, "OVER", H2_OVER) || PyModule_AddIntConstant(module, "LATE", H2_LATE) ||
        PyModule_AddIntConstant(module, "GONE", H2_GONE) || PyModule_AddIntConstant(module, "MANY", H2_MANY))
        return -1;
    if (PyModule_AddStringConstant(module, "NGHTTP2", nghttp2_version(0)->version_str)) return -1;
    PyObject *type = PyType_FromSpec(&caller_spec);
    return type ? PyModule_AddObject(module, "Caller", type) : -1;
}
