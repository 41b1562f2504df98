import QtTest

// Test cases that wait for children, on machines that may be busy.
TestCase {
    // How long whatever has to come may take, in milliseconds.
    readonly property int soon: 40000

    when: windowShown
}
