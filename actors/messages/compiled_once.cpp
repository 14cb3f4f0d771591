// CAF's code around each type of message; see messages/compiled_once.hpp.
#define TORC_COMPILES_MESSAGES

#include <caf/all.hpp>

#include "torc/messages/admin.hpp"
#include "torc/messages/client.hpp"
