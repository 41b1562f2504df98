import QtTest

// Test cases that wait for children, on machines that may be busy.
TestCase {
    // The timeout for everything that must happen, in milliseconds.
    readonly property int soon: 40000

    when: windowShown
}
