// Asio's own functions, compiled once instead of in every source that calls
// them (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
