// `torc cert init` and `torc cert issue`.
#include <fmt/format.h>

#include "apps/torc/connection.hpp"
#include "torc/cluster/certificates.hpp"

namespace torc::program {

namespace {

exit_code report(const cert_command& c, const std::string& name,
                 const std::string& stem, const result<void>& done) {
  if (!done) {
    client_options how;
    how.json = c.json;
    return fail(how,
                done.error().code == errc::invalid_argument
                  ? exit_code::usage
                  : to_exit_code(done.error().code),
                done.error());
  }
  auto certificate = fmt::format("{}/{}.crt", c.dir, stem);
  auto key = fmt::format("{}/{}.key", c.dir, stem);
  if (c.json)
    print_json({{"name", name}, {"certificate", certificate}, {"key", key}});
  else
    fmt::print("wrote {}\nwrote {} (keep it secret)\n", certificate, key);
  return exit_code::ok;
}

} // namespace

exit_code run_cert_init(const cert_command& c) {
  auto days = c.days == 0 ? authority_days_default : c.days;
  auto name = c.name.empty() ? std::string{"torc"} : c.name;
  return report(c, name, "ca", create_authority_files(c.dir, name, days));
}

exit_code run_cert_issue(const cert_command& c) {
  auto days = c.days == 0 ? member_days_default : c.days;
  return report(c, c.name, c.name, issue_member_files(c.dir, c.name, days));
}

} // namespace torc::program
