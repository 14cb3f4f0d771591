#pragma once

#include <string>

#include <caf/atom.hpp>
#include <caf/detail/tuple_vals.hpp>
#include <caf/detail/type_erased_value_impl.hpp>
#include <caf/error.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/system_messages.hpp>

/// What CAF generates to carry, copy, print and encode a message of type M:
/// some sixty functions, which every source that sends one would compile again.
/// They are compiled in actors/messages/compiled_once.cpp alone, which defines
/// TORC_COMPILES_MESSAGES before it includes the lists. A type that no list
/// names works, too; it only takes longer to build.
#ifdef TORC_COMPILES_MESSAGES
#  define TORC_INSTANCE template
#else
#  define TORC_INSTANCE extern template
#endif
#define TORC_COMPILED_ONCE(M)                                                  \
  TORC_INSTANCE class caf::detail::tuple_vals_impl<caf::detail::message_data,  \
                                                   M>;                         \
  TORC_INSTANCE class caf::detail::tuple_vals_impl<caf::type_erased_tuple, M>; \
  TORC_INSTANCE class caf::detail::tuple_vals<M>;                              \
  TORC_INSTANCE class caf::detail::type_erased_value_impl<M>;

TORC_COMPILED_ONCE(std::string)
TORC_COMPILED_ONCE(caf::atom_value)
TORC_COMPILED_ONCE(caf::error)
TORC_COMPILED_ONCE(caf::exit_msg)
TORC_COMPILED_ONCE(caf::down_msg)
