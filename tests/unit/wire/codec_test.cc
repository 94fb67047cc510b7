#include "p2pmesh/wire/codec.h"

#include "canonical.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

TEST_CASE("numbers stand with the most significant byte first") {
  Writer writer;
  writer.u8(0x01).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f);
  CHECK(format_hex(writer.bytes()) == "0102030405060708090a0b0c0d0e0f");
  Reader reader(writer.bytes());
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(reader.done());
}

TEST_CASE("strings and ids come back as they were written") {
  const auto id = id_from<EnvelopeId>(5);
  Writer writer;
  writer.short_bytes(as_bytes("ab")).long_bytes(as_bytes("cde")).id(id).short_bytes({});
  CHECK(writer.size() == 3 + 7 + 32 + 1);
  const Bytes bytes = writer.take();
  Reader reader(bytes);
  CHECK(as_text(reader.short_bytes()) == "ab");
  CHECK(as_text(reader.long_bytes()) == "cde");
  CHECK(reader.id<EnvelopeId>() == id);
  CHECK_FALSE(reader.done());
  CHECK(reader.short_bytes().empty());
  CHECK(reader.done());
}

TEST_CASE("a read past the end fails for good") {
  const Bytes bytes{1, 2, 3};
  Reader reader(bytes);
  CHECK(reader.u32() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.raw(0).empty());
  CHECK_FALSE(reader.ok());
  CHECK_FALSE(reader.done());
}

TEST_CASE("a length beyond the end fails without reading") {
  const Bytes bytes{0xff, 0xff, 0xff, 0xff, 1};
  Reader longer(bytes);
  CHECK(longer.long_bytes().empty());
  CHECK_FALSE(longer.ok());
  Reader shorter(bytes);
  CHECK(shorter.short_bytes().empty());
  CHECK_FALSE(shorter.ok());
}

TEST_CASE("a refused reader is not done") {
  Reader reader({});
  CHECK(reader.done());
  reader.refuse();
  CHECK_FALSE(reader.done());
}
