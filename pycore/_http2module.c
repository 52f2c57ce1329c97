/* The Python module pycore._http2: csrc/http2 for one event loop.
 *
 *     Room(most)                                           bytes of messages that are not whole, over connections
 *     Connection(room, message, streams, headers, window, idle)
 *         .receive(buffer, size)                           list of events, or None; then look at .done
 *         .respond(stream, head, body, tail, watched)      whether the stream was still there
 *         .collect(most)                                   bytes to write, or None
 *         .events()                                        list of events since the last call, or None
 *     Caller                                               the other side, in _http2caller.c
 *
 * An event is (flags, stream, code, timeout, head, message). Messages are bytes objects from their first byte on. It is no
 * module of cffi, which would give the GIL away with every call, and wait for it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "http2.h"

int http2_add_caller(PyObject *module); /* _http2caller.c */

PyAPI_FUNC(int) _PyBytes_Resize(PyObject **, Py_ssize_t); /* of the stable ABI, in a header that is not */

static void *blob_make(size_t capacity) { return PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity); }

static void *blob_resize(void *blob, size_t capacity) {
    PyObject *bytes = blob;
    _PyBytes_Resize(&bytes, (Py_ssize_t)capacity);
    return bytes;
}

static uint8_t *blob_bytes(void *blob) { return (uint8_t *)PyBytes_AsString(blob); }
static size_t blob_size(void *blob) { return (size_t)PyBytes_Size(blob); }
static void blob_keep(void *blob) { Py_INCREF((PyObject *)blob); }
static void blob_drop(void *blob) { Py_DECREF((PyObject *)blob); }

static const h2_memory MEMORY = {blob_make, blob_resize, blob_bytes, blob_size, blob_keep, blob_drop};

typedef struct {
    PyObject_HEAD h2_room room;
} Room;

typedef struct {
    PyObject_HEAD PyObject *room;
    h2_connection *connection;
} Connection;

static PyTypeObject *room_type; /* of the one module of a process */

/* ---- Room ---- */

static PyObject *room_new(PyTypeObject *type, PyObject *args, PyObject *names) {
    long long most;
    if (names && PyDict_Size(names)) return PyErr_Format(PyExc_TypeError, "Room takes no names");
    if (!PyArg_ParseTuple(args, "L", &most)) return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Room *self = (Room *)alloc(type, 0);
    if (self) self->room.most = most;
    return (PyObject *)self;
}

static void plain_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static void room_dealloc(PyObject *self) {
    h2_room_empty(&((Room *)self)->room);
    plain_dealloc(self);
}

static PyObject *room_held(PyObject *self, void *closure) {
    (void)closure;
    return PyLong_FromLongLong(((Room *)self)->room.held);
}

static PyGetSetDef room_gets[] = {{"held", room_held, NULL, "Bytes that are held.", NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot room_slots[] = {
    {Py_tp_doc, "Room(most): bytes of messages that are not whole, or not taken, over all connections."},
    {Py_tp_new, (void *)room_new},
    {Py_tp_dealloc, (void *)room_dealloc},
    {Py_tp_getset, room_gets},
    {0, NULL},
};
static PyType_Spec room_spec = {"pycore._http2.Room", sizeof(Room), 0, Py_TPFLAGS_DEFAULT, room_slots};

/* ---- Connection ---- */

static PyObject *connection_new(PyTypeObject *type, PyObject *args, PyObject *names) {
    PyObject *room;
    unsigned int message, streams, headers, window, idle;
    if (names && PyDict_Size(names)) return PyErr_Format(PyExc_TypeError, "Connection takes no names");
    if (!PyArg_ParseTuple(args, "O!IIIII", room_type, &room, &message, &streams, &headers, &window, &idle)) return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Connection *self = (Connection *)alloc(type, 0);
    if (!self) return NULL;
    Py_INCREF(room);
    self->room = room;
    const h2_limits limits = {message, streams, headers, window, idle};
    if (!(self->connection = h2_open(&MEMORY, &limits, &((Room *)room)->room))) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void connection_dealloc(PyObject *object) {
    Connection *self = (Connection *)object;
    h2_close(self->connection);
    Py_XDECREF(self->room);
    plain_dealloc(object);
}

static PyObject *or_none(PyObject *object) {
    if (object) return object;
    Py_RETURN_NONE;
}

static PyObject *event_tuple(h2_event *e) {
    PyObject *tuple = PyTuple_New(6);
    PyObject *parts[6] = {
        PyLong_FromUnsignedLong(e->flags), PyLong_FromLong(e->stream), PyLong_FromUnsignedLong(e->code),
        PyLong_FromLongLong(e->timeout),   or_none(e->head),           or_none(e->message),
    };
    e->head = e->message = NULL;
    int good = tuple != NULL;
    for (int i = 0; i < 6; i++) good &= parts[i] != NULL;
    for (int i = 0; i < 6; i++) {
        if (good)
            PyTuple_SetItem(tuple, i, parts[i]);
        else
            Py_XDECREF(parts[i]);
    }
    if (!good) Py_XDECREF(tuple);
    return good ? tuple : NULL;
}

static PyObject *events_list(Connection *self) {
    h2_event *events;
    const size_t n = h2_take_events(self->connection, &events);
    if (!n) Py_RETURN_NONE;
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; i < n; i++) {
        PyObject *one = list ? event_tuple(&events[i]) : NULL;
        if (one) {
            PyList_SetItem(list, (Py_ssize_t)i, one);
            continue;
        }
        Py_XDECREF(events[i].head);
        Py_XDECREF(events[i].message);
        events[i].head = events[i].message = NULL;
        Py_XDECREF(list);
        list = NULL;
    }
    return list ? list : PyErr_NoMemory();
}

static PyObject *connection_receive(PyObject *object, PyObject *args) {
    Connection *self = (Connection *)object;
    PyObject *buffer;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "On", &buffer, &size)) return NULL;
    const char *data = PyByteArray_Check(buffer) ? PyByteArray_AsString(buffer) : PyBytes_AsString(buffer);
    if (!data) return NULL;
    const Py_ssize_t whole = PyByteArray_Check(buffer) ? PyByteArray_Size(buffer) : PyBytes_Size(buffer);
    if (size < 0 || size > whole) return PyErr_Format(PyExc_ValueError, "size: got %zd, wanted 0 to %zd", size, whole);
    h2_receive(self->connection, (const uint8_t *)data, (size_t)size);
    if (PyErr_Occurred()) PyErr_Clear(); /* of memory: the connection has failed, as .done says */
    return events_list(self);
}

static PyObject *connection_events(PyObject *object, PyObject *unused) {
    (void)unused;
    return events_list((Connection *)object);
}

/* The bytes of an argument that may be None; 0 where it is something else. */
static int text_of(PyObject *given, const char **data, Py_ssize_t *size) {
    *data = NULL, *size = 0;
    if (given == Py_None) return 1;
    if (!PyBytes_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "head, body and tail are bytes or None");
        return 0;
    }
    *data = PyBytes_AsString(given), *size = PyBytes_Size(given);
    return 1;
}

static PyObject *connection_respond(PyObject *object, PyObject *args) {
    Connection *self = (Connection *)object;
    PyObject *head, *body, *tail;
    int stream, watched = 0;
    const char *head_data, *tail_data, *body_data;
    Py_ssize_t head_size, tail_size, body_size;
    if (!PyArg_ParseTuple(args, "iOOO|i", &stream, &head, &body, &tail, &watched)) return NULL;
    if (!text_of(head, &head_data, &head_size) || !text_of(tail, &tail_data, &tail_size) ||
        !text_of(body, &body_data, &body_size))
        return NULL;
    if (body_size > (Py_ssize_t)UINT32_MAX) return PyErr_Format(PyExc_ValueError, "body: got %zd bytes", body_size);
    const int error = h2_respond(self->connection, stream, head_data, (size_t)head_size, body_data ? body : NULL, tail_data,
                                 (size_t)tail_size, watched);
    return PyBool_FromLong(!error);
}

static PyObject *connection_refuse_http(PyObject *object, PyObject *args) {
    int stream;
    const char *status;
    if (!PyArg_ParseTuple(args, "is", &stream, &status)) return NULL;
    if (strlen(status) != 3) return PyErr_Format(PyExc_ValueError, "status: got %s", status);
    return PyBool_FromLong(!h2_refuse_http(((Connection *)object)->connection, stream, status));
}

static PyObject *connection_collect(PyObject *object, PyObject *args) {
    Py_ssize_t most;
    size_t size;
    if (!PyArg_ParseTuple(args, "n", &most)) return NULL;
    const uint8_t *data = h2_collect(((Connection *)object)->connection, most < 0 ? 0 : (size_t)most, &size);
    if (PyErr_Occurred()) PyErr_Clear();
    if (!data) Py_RETURN_NONE;
    return PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
}

static PyObject *connection_taken(PyObject *object, PyObject *args) {
    int stream;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "in", &stream, &size)) return NULL;
    if (size < 0) return PyErr_Format(PyExc_ValueError, "size: got %zd", size);
    h2_taken(((Connection *)object)->connection, stream, (size_t)size);
    Py_RETURN_NONE;
}

static PyObject *connection_reset(PyObject *object, PyObject *args) {
    int stream;
    unsigned int code;
    if (!PyArg_ParseTuple(args, "iI", &stream, &code)) return NULL;
    h2_reset(((Connection *)object)->connection, stream, code);
    Py_RETURN_NONE;
}

static PyObject *connection_notice(PyObject *object, PyObject *unused) {
    (void)unused;
    return PyBool_FromLong(!h2_notice(((Connection *)object)->connection));
}

static PyObject *connection_goaway(PyObject *object, PyObject *args) {
    unsigned int code;
    if (!PyArg_ParseTuple(args, "I", &code)) return NULL;
    return PyBool_FromLong(!h2_goaway(((Connection *)object)->connection, code));
}

static PyObject *connection_done(PyObject *self, void *closure) {
    (void)closure;
    return PyBool_FromLong(h2_done(((Connection *)self)->connection));
}

static PyObject *connection_streams(PyObject *self, void *closure) {
    (void)closure;
    return PyLong_FromSize_t(h2_streams(((Connection *)self)->connection));
}

static PyObject *connection_queued(PyObject *self, void *closure) {
    (void)closure;
    return PyLong_FromSize_t(h2_queued(((Connection *)self)->connection));
}

static PyMethodDef connection_methods[] = {
    {"receive", connection_receive, METH_VARARGS, "Bytes of the peer: list of events, or None."},
    {"events", connection_events, METH_NOARGS, "Events since the last call, or None."},
    {"respond", connection_respond, METH_VARARGS, "A part of an answer; whether the stream was there."},
    {"refuse_http", connection_refuse_http, METH_VARARGS, "A final answer in plain HTTP."},
    {"collect", connection_collect, METH_VARARGS, "Bytes for the peer, or None."},
    {"taken", connection_taken, METH_VARARGS, "A message was taken: the peer may send more."},
    {"reset", connection_reset, METH_VARARGS, "Ends a stream with an error code."},
    {"notice", connection_notice, METH_NOARGS, "Tells the peer to begin no more calls."},
    {"goaway", connection_goaway, METH_VARARGS, "Takes no more calls."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef connection_gets[] = {
    {"done", connection_done, NULL, "Whether there is nothing to read and to write any more.", NULL},
    {"streams", connection_streams, NULL, "Calls that are open.", NULL},
    {"queued", connection_queued, NULL, "Frames that wait to be collected.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot connection_slots[] = {
    {Py_tp_doc, "Connection(room, message, streams, headers, window, idle): one gRPC connection of a server."},
    {Py_tp_new, (void *)connection_new},
    {Py_tp_dealloc, (void *)connection_dealloc},
    {Py_tp_methods, connection_methods},
    {Py_tp_getset, connection_gets},
    {0, NULL},
};
static PyType_Spec connection_spec = {"pycore._http2.Connection", sizeof(Connection), 0, Py_TPFLAGS_DEFAULT,
                                      connection_slots};

/* ---- the module ---- */

static int module_exec(PyObject *module) {
    PyObject *room = PyType_FromSpec(&room_spec), *connection = PyType_FromSpec(&connection_spec);
    if (!room || !connection) return -1;
    Py_INCREF(room);
    room_type = (PyTypeObject *)room;
    static const struct {
        const char *name;
        long value;
    } flags[] = {{"CALL", H2_CALL}, {"MESSAGE", H2_MESSAGE},   {"END", H2_END},   {"CLOSED", H2_CLOSED},
                 {"SENT", H2_SENT}, {"LARGE", H2_LARGE},       {"FULL", H2_FULL}, {"HEADERS", H2_HEADERS},
                 {"PONG", H2_PONG}, {"SQUEEZED", H2_SQUEEZED}, {"CUT", H2_CUT},   {"ODD", H2_ODD}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (PyModule_AddIntConstant(module, flags[i].name, flags[i].value)) return -1;
    }
    if (PyModule_AddObject(module, "Room", room) || http2_add_caller(module)) return -1;
    return PyModule_AddObject(module, "Connection", connection);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    "_http2",
    "gRPC connections: of a server as bytes in and bytes out, of a client for one call at a time.",
    0,
    NULL,
    module_slots,
    NULL,
    NULL,
    NULL,
};

PyMODINIT_FUNC PyInit__http2(void) { return PyModuleDef_Init(&module_def); }
