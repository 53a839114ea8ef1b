// Enough of JSON to read a kit: objects, arrays, numbers and texts without escapes other than \" and \\.
#pragma once
#include <cctype>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

struct Json {
  std::string text;
  double number = 0;
  std::vector<Json> items;
  std::map<std::string, Json> entries;

  const Json& operator[](const std::string& key) const {
    auto found = entries.find(key);
    if (found == entries.end()) throw std::runtime_error("there is no \"" + key + "\"");
    return found->second;
  }
  const Json& operator[](size_t i) const { return items.at(i); }
};

class JsonReader {
 public:
  explicit JsonReader(const std::string& source) : at(source.c_str()) {}

  Json value() {
    Json found;
    switch (peek()) {
      case '{':
        for (next(); peek() != '}'; skip(',')) {
          std::string key = quoted();
          skip(':');
          found.entries[key] = value();
        }
        next();
        break;
      case '[':
        for (next(); peek() != ']'; skip(',')) found.items.push_back(value());
        next();
        break;
      case '"':
        found.text = quoted();
        break;
      default:
        word(found);
    }
    return found;
  }

 private:
  const char* at;

  char peek() {
    while (std::isspace(static_cast<unsigned char>(*at))) at++;
    if (!*at) throw std::runtime_error("the JSON ends too early");
    return *at;
  }
  char next() { return peek(), *at++; }
  void skip(char expected) {
    if (peek() == expected) at++;
  }
  std::string quoted() {
    std::string found;
    for (next(); *at != '"'; at++) {
      if (*at == '\\') at++;
      if (!*at) throw std::runtime_error("a text has no end");
      found += *at;
    }
    at++;
    return found;
  }
  void word(Json& found) {
    char* end;
    found.number = std::strtod(at, &end);
    const char* start = at;
    at = end;
    while (std::isalpha(static_cast<unsigned char>(*at))) at++;  // true, false, null
    if (at == start) throw std::runtime_error("this is no JSON");
  }
};
