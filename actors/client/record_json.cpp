// The only source of record files that parses JSON: a heavy header.
#include <nlohmann/json.hpp>

#include "actors/client/record_text.hpp"

namespace torc::client_detail {

namespace {

result<void> refuse(std::string why) {
  return {errc::invalid_argument, std::move(why)};
}

/// The text under `name`, or the bytes under `name`_base64.
result<void> take_text(nlohmann::json& object, const std::string& name,
                       std::string& out) {
  auto plain = object.find(name);
  auto coded = object.find(name + "_base64");
  if ((plain == object.end()) == (coded == object.end()))
    return refuse("must have either \"" + name + "\" or \"" + name
                  + "_base64\"");
  auto& node = plain != object.end() ? *plain : *coded;
  if (!node.is_string())
    return refuse("has a \"" + name + "\" that is no string");
  auto& text = node.get_ref<std::string&>();
  if (plain != object.end()) {
    out = std::move(text);
    return {};
  }
  auto bytes = from_base64(text);
  if (!bytes)
    return refuse("has a \"" + name + "_base64\" that is not base64");
  out = std::move(*bytes);
  return {};
}

} // namespace

result<void> parse_jsonl(std::string_view text, file_record& out) {
  auto object = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (object.is_discarded())
    return refuse("is not JSON");
  if (!object.is_object())
    return refuse("is not a JSON object");
  for (auto& [name, value] : object.items())
    if (name != "key" && name != "key_base64" && name != "value"
        && name != "value_base64" && name != "ttl_ms")
      return refuse("has the unknown member \"" + name.substr(0, 64) + "\"");
  if (auto ok = take_text(object, "key", out.key); !ok)
    return ok;
  if (auto ok = take_text(object, "value", out.value); !ok)
    return ok;
  out.ttl_ms = 0;
  if (auto ttl = object.find("ttl_ms"); ttl != object.end()) {
    if (!ttl->is_number_unsigned())
      return refuse("has a ttl_ms that is no whole number");
    out.ttl_ms = ttl->get<std::uint64_t>();
  }
  return {};
}

} // namespace torc::client_detail
