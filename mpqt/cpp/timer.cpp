// A precise timer of the GUI thread.

#include <QtCore/QTimer>

extern "C" {

QTimer *mpqt_timer_start(int milliseconds, void (*tick)(void *), void *context)
{
    QTimer *timer = new QTimer;
    timer->setTimerType(Qt::PreciseTimer);
    QObject::connect(timer, &QTimer::timeout, timer, [tick, context] { tick(context); });
    timer->start(milliseconds);
    return timer;
}

void mpqt_timer_stop(QTimer *timer)
{
    delete timer;
}

} // extern "C"
