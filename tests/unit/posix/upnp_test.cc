#include "upnp.h"

#include <doctest/doctest.h>

using namespace p2pmesh;

TEST_CASE("only the gateway itself is asked, whatever an answer says") {
  const SocketAddress gateway = *SocketAddress::from_host("192.168.7.1", 0);
  for (const char* url : {"http://192.168.7.1", "http://192.168.7.1/", "http://192.168.7.1:5000/root.xml",
                          "http://192.168.7.1:80"})
    CHECK(leads_to(url, gateway));
  for (const char* url : {"", "http://", "http://192.168.7.11/", "http://192.168.7.2:5000/",
                          "https://192.168.7.1/", "http://192.168.7.1.example.org/",
                          "http://192.168.7.1@192.168.7.2/", "http://192.168.7.1:80@192.168.7.2/",
                          "http://192.168.7.1:/", "http://192.168.7.1?x", " http://192.168.7.1/"})
    CHECK_FALSE(leads_to(url, gateway));
}
