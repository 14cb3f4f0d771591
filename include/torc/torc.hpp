#pragma once

/// All that a program on Torc needs: clusters within the process, members of a
/// cluster, clients. `torc/testing.hpp` is for its tests.
#include "torc/client.hpp"
#include "torc/core/config_change.hpp"
#include "torc/local_client.hpp"
#include "torc/local_cluster.hpp"
#include "torc/node.hpp"
#include "torc/node_actors.hpp"
